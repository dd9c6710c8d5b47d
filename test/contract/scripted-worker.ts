import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";

import type { BlobStore } from "../../src/blobs/blobs.ts";
import type { JobProgress, OutputType } from "../../src/protocol/worker-link.ts";
import type { Claim, NewOutput } from "../../src/store/attempts.ts";
import type { TestStore } from "../store.ts";

/** A file that a job is to put out. */
export interface ScriptedFile {
  readonly nodeId: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly type?: OutputType;
  readonly contentType?: string;
}

const leaseMs = 30_000;
const nodes = {
  EmptyImage: { isOutput: false, fileInputs: [] },
  LoadImage: { isOutput: false, fileInputs: ["image"] },
  ImageInvert: { isOutput: false, fileInputs: [] },
  SaveImage: { isOutput: true, fileInputs: [] },
};

/** Does what a worker does to jobs, at the moments that a test chooses. */
export class ScriptedWorker {
  private readonly fixture: TestStore;
  private readonly blobs: BlobStore;
  private readonly id: string;
  private latestProgress: JobProgress = noProgress;

  private constructor(fixture: TestStore, blobs: BlobStore, id: string) {
    this.fixture = fixture;
    this.blobs = blobs;
    this.id = id;
  }

  /** Enrols a worker of the default deployment, which makes its node classes known. */
  static async enroll(fixture: TestStore, blobs: BlobStore): Promise<ScriptedWorker> {
    const id = randomUUID();
    const tokenHash = createHash("sha256").update(id).digest();
    const { workers } = fixture.store;
    await workers.enrollTrusted(fixture.deploymentId, { id, name: "scripted", tokenHash });
    await workers.markReady(id, {
      comfyuiVersion: "0.33.0",
      kind: "engine",
      devices: [{ name: "cpu", kind: "cpu", vramTotalBytes: 0, vramFreeBytes: 0 }],
      nodes,
      isWarm: false,
    });
    return new ScriptedWorker(fixture, blobs, id);
  }

  /** The next queued job, or undefined where there is none. */
  async tryClaim(): Promise<Claim | undefined> {
    const { attempts, signals } = this.fixture.store;
    const slots = [{ workerId: this.id, attemptId: randomUUID() }];
    const [claim] = await attempts.claim(this.fixture.deploymentId, slots, leaseMs);
    if (claim !== undefined) signals.publish("job", claim.jobId);
    return claim;
  }

  async claim(): Promise<Claim> {
    const claim = await this.tryClaim();
    if (claim === undefined) throw new Error("there was nothing to claim");
    return claim;
  }

  async progress(claim: Claim, value: number, change: Partial<JobProgress> = {}): Promise<void> {
    const progress = { ...noProgress, value, ...change };
    this.latestProgress = progress;
    await this.report(claim, { progress });
  }

  async preview(claim: Claim, bytes: Uint8Array): Promise<void> {
    const dataBase64 = Buffer.from(bytes).toString("base64");
    const preview = { nodeId: "9", contentType: "image/jpeg", dataBase64 } as const;
    // A real worker never reports one without the other.
    await this.report(claim, { progress: this.latestProgress, preview });
  }

  /** Stores files and reports them while the job goes on. */
  async output(claim: Claim, files: readonly ScriptedFile[]): Promise<readonly NewOutput[]> {
    const outputs = await Promise.all(files.map((file) => this.store(claim, file)));
    await this.report(claim, { outputs });
    return outputs;
  }

  async complete(claim: Claim, files: readonly ScriptedFile[], logText?: string): Promise<void> {
    const outputs = await Promise.all(files.map((file) => this.store(claim, file)));
    const log = logText === undefined ? null : { text: logText, truncated: false };
    await this.fixture.store.attempts.complete(claim, outputs, { log, timings: {} });
    this.fixture.store.signals.publish("job", claim.jobId);
  }

  async fail(claim: Claim, message: string): Promise<void> {
    const failure = {
      code: "node_execution_error",
      message,
      nodeId: "9",
      classType: "SaveImage",
      traceback: "Traceback …",
    };
    const { attempts, signals } = this.fixture.store;
    const end = { log: null, timings: {} };
    await attempts.fail(claim, { failureClass: "user", failure }, end);
    signals.publish("job", claim.jobId);
  }

  async confirmCancel(claim: Claim): Promise<void> {
    const { attempts, signals } = this.fixture.store;
    await attempts.confirmCanceled(claim, { log: null, timings: {} });
    signals.publish("job", claim.jobId);
  }

  private async report(
    claim: Claim,
    report: Parameters<TestStore["store"]["attempts"]["report"]>[1],
  ): Promise<void> {
    await this.fixture.store.attempts.report(claim, report);
    this.fixture.store.signals.publish("job", claim.jobId);
  }

  private async store(claim: Claim, file: ScriptedFile): Promise<NewOutput> {
    const { nodeId, name, bytes, type = "image", contentType = "image/png" } = file;
    const draft = `jobs/${claim.jobId}/${claim.epoch}/${randomUUID()}`;
    const put = { contentType, maxBytes: 1e9 };
    const { hash, sizeBytes } = await this.blobs.put(draft, Readable.from([bytes]), put);
    await this.blobs.delete([draft]);
    const key = `jobs/${claim.jobId}/${claim.epoch}/${hash.slice("blake3:".length)}`;
    await this.blobs.put(key, Readable.from([bytes]), put);
    return { assetId: randomUUID(), nodeId, name, type, contentType, hash, sizeBytes, key };
  }
}

const noProgress = {
  value: 0,
  nodesDone: 0,
  nodesTotal: 3,
  currentNode: "9",
  currentNodeClass: "SaveImage",
  step: null,
  steps: null,
  message: null,
};
