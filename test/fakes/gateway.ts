import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import {
  claimRequestSchema,
  enrollRequestSchema,
  heartbeatRequestSchema,
  readyRequestSchema,
  workerLinkPaths,
  type EnrollRequest,
  type InputFile,
  type ModelsResponse,
  type OutputFile,
  type ReadyRequest,
  type Resident,
} from "../../src/protocol/worker-link.ts";
import { Rejection, applyVerb, reader } from "./fake-attempt.ts";
import { FakeBlobs } from "./fake-blobs.ts";
import { FakeJob, type FakeJobOptions } from "./fake-job.ts";
import { readBody } from "./comfyui-http.ts";

export interface FakeGatewayOptions {
  readonly heartbeatMs?: number;
  /** When given, enrolment needs it, once. */
  readonly enrollmentToken?: string;
}

const waitMs = 15_000;

/** The gateway's side of the worker link in memory; whatever breaks the protocol is remembered. */
export class FakeGateway {
  readonly jobs: FakeJob[] = [];
  readonly enrollments: EnrollRequest[] = [];
  readonly readies: ReadyRequest[] = [];
  readonly goodbyes: string[] = [];
  /** Requests that do not fit the schemas, and outputs that do not fit their bytes. */
  readonly violations: string[] = [];
  heartbeats = 0;
  /** What workers are told to have. */
  models: ModelsResponse = { models: [], warmup: null, backlog: [] };
  /** The latest word of each kind that named residents. */
  readonly residents: (readonly Resident[])[] = [];
  /** Answers nothing at all: connections are cut. */
  isDown = false;
  /** How many calls came in vain. */
  cutCalls = 0;
  /** This many calls are answered with 503. */
  overloads = 0;
  isDraining = false;
  private readonly options: FakeGatewayOptions;
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly tokens = new Map<string, string>();
  readonly blobs = new FakeBlobs(this.violations);
  private readonly server: Server;
  private isTokenUsed = false;
  private readonly read = reader(this.violations);

  constructor(options: FakeGatewayOptions = {}) {
    this.options = options;
    this.server = createServer((request, response) => {
      void this.answer(request, response);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  submit(workflow: FakeJob["workflow"], options: FakeJobOptions = {}): FakeJob {
    const job = new FakeJob(workflow, options);
    this.jobs.push(job);
    this.changes.emit("change");
    return job;
  }

  /** Stores bytes and describes them as an input at a path of a workflow. */
  addInput(path: InputFile["path"], filename: string, bytes: Buffer): InputFile {
    return this.blobs.addInput(this.url, path, filename, bytes);
  }

  /** Every session is unknown from now on. */
  forgetWorkers(): void {
    this.tokens.clear();
  }

  bytesOf(output: OutputFile): Buffer | undefined {
    return this.blobs.get(output.key);
  }

  /** Waits until `condition` holds; it is looked at after every request. */
  async until(condition: () => boolean, what = String(condition)): Promise<void> {
    const deadline = AbortSignal.timeout(waitMs);
    while (!condition()) {
      await new Promise<void>((resolve, reject) => {
        const fail = (): void => reject(new Error(`never came true: ${what}`));
        deadline.addEventListener("abort", fail, { once: true });
        this.changes.once("change", () => {
          deadline.removeEventListener("abort", fail);
          resolve();
        });
      });
    }
  }

  /** Waits for the end of a job. */
  async endOf(job: FakeJob): Promise<NonNullable<FakeJob["end"]>> {
    await this.until(() => job.end !== undefined, "the job ended");
    return job.end!;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    try {
      const bytes = await readBody(request);
      if (this.isDown) {
        this.cutCalls++;
        request.socket.destroy();
        return;
      }
      if (path.startsWith("/blobs/")) {
        this.blobs.answer(request, response, path.slice(7), bytes);
        return;
      }
      if (this.overloads > 0) {
        this.overloads--;
        throw new Rejection(503, "service_unavailable");
      }
      const body: unknown = JSON.parse(bytes.toString());
      send(response, 200, await this.route(request, response, path, body));
    } catch (thrown) {
      const { status, code } =
        thrown instanceof Rejection ? thrown : { status: 500, code: String(thrown) };
      send(response, status, { error: { code, message: code, details: null } });
    } finally {
      this.changes.emit("change");
    }
  }

  private async route(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    body: unknown,
  ): Promise<unknown> {
    if (path === workerLinkPaths.enroll) return this.enroll(this.read(enrollRequestSchema, body));
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const workerId = this.tokens.get(token);
    if (workerId === undefined) throw new Rejection(401, "unauthorized");
    if (path === workerLinkPaths.models) return this.models;
    if (path === workerLinkPaths.ready) {
      this.readies.push(this.read(readyRequestSchema, body));
      return {};
    }
    if (path === workerLinkPaths.heartbeat) return this.heartbeat(workerId, body);
    if (path === workerLinkPaths.claim) {
      const { waitMs } = this.read(claimRequestSchema, body);
      return { assignment: (await this.claim(workerId, waitMs, response))?.assignment ?? null };
    }
    if (path === workerLinkPaths.goodbye) {
      this.goodbyes.push(workerId);
      this.tokens.delete(token);
      return {};
    }
    const [, jobId, epoch, verb = ""] =
      /^\/worker\/v1\/attempts\/([^/]+)\/(\d+)\/(\w+)$/u.exec(path) ?? [];
    const job = this.jobs.find((one) => one.jobId === jobId);
    if (job === undefined) throw new Rejection(404, "not_found");
    job.verbs.push(verb);
    const verdict = job.verdictFor(workerId, Number(epoch));
    if (verdict === "stale") throw new Rejection(409, "stale_attempt");
    return applyVerb({ job, blobs: this.blobs, url: this.url, read: this.read }, verb, body);
  }

  private enroll(request: EnrollRequest): unknown {
    const { enrollmentToken, heartbeatMs = 50 } = this.options;
    this.enrollments.push(request);
    if (enrollmentToken !== undefined) {
      if (this.isTokenUsed || request.enrollmentToken !== enrollmentToken) {
        throw new Rejection(401, "unauthorized");
      }
      this.isTokenUsed = true;
    }
    const workerId = randomUUID();
    const workerToken = `hw_${randomUUID()}`;
    this.tokens.set(workerToken, workerId);
    return { workerId, workerToken, heartbeatMs, leaseMs: 30_000, launch: null };
  }

  private heartbeat(workerId: string, body: unknown): unknown {
    const { attempts, residents } = this.read(heartbeatRequestSchema, body);
    if (residents !== undefined) this.residents.push(residents);
    this.heartbeats++;
    const verdicts = attempts.map(({ jobId, epoch }) => {
      const job = this.jobs.find((one) => one.jobId === jobId);
      if (job !== undefined) job.heartbeats++;
      return { jobId, epoch, verdict: job?.verdictFor(workerId, epoch) ?? "stale" };
    });
    return { attempts: verdicts, drain: this.isDraining };
  }

  private async claim(
    workerId: string,
    waitMs: number,
    response: ServerResponse,
  ): Promise<FakeJob | undefined> {
    const expired = AbortSignal.timeout(waitMs);
    for (;;) {
      if (expired.aborted || response.destroyed || !this.server.listening) return undefined;
      const job = this.jobs.find(({ state }) => state === "queued");
      if (job !== undefined) {
        Object.assign(job, { state: "running", workerId, epoch: job.epoch + 1 });
        return job;
      }
      await new Promise<void>((resolve) => {
        expired.addEventListener("abort", () => resolve(), { once: true });
        response.once("close", () => resolve());
        this.changes.once("change", () => resolve());
      });
    }
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
