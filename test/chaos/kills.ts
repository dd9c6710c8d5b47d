import { createHash } from "node:crypto";

import type { JobBody } from "../../src/protocol/comfy-v2.ts";
import { steppedPicture } from "../e2e/workflows.ts";
import { Cluster, eventually } from "./cluster.ts";

export const killTargets = ["gateway", "agent", "engine", "postgres"] as const;

export type KillTarget = (typeof killTargets)[number];

export interface KillReport {
  readonly target: KillTarget;
  readonly kills: number;
  readonly succeeded: number;
  /** Outputs whose bytes are not those of an undisturbed run. */
  readonly damaged: number;
  /** From the kill to the end of the job, in seconds. */
  readonly slowestEndS: number;
  /** From the kill of an agent to its job being queued again, in seconds; 0 for other targets. */
  readonly slowestNoticeS: number;
}

export interface KillOptions {
  readonly target: KillTarget;
  readonly kills: number;
  /** Jobs that are disturbed at once, each on a worker of its own. */
  readonly atOnce: number;
  onProgress?(done: number): void;
}

const steps = 20;
const stepMs = 100;

/** Kills a process in the middle of a job, again and again, and follows every job to its end. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const cluster = await Cluster.start(options.atOnce);
  try {
    const rounds = new Rounds(cluster, options);
    const ends: RoundEnd[] = [];
    for (let done = 0; done < options.kills; done += options.atOnce) {
      const count = Math.min(options.atOnce, options.kills - done);
      ends.push(...(await rounds.run(count)));
      options.onProgress?.(ends.length);
    }
    return {
      target: options.target,
      kills: ends.length,
      succeeded: ends.filter((end) => end.job.status === "succeeded").length,
      damaged: ends.filter((end) => !end.isIntact).length,
      slowestEndS: Math.max(...ends.map((end) => end.endS)),
      slowestNoticeS: Math.max(...ends.map((end) => end.noticeS)),
    };
  } finally {
    await cluster.stop();
  }
}

interface RoundEnd {
  readonly job: JobBody;
  readonly isIntact: boolean;
  readonly endS: number;
  readonly noticeS: number;
}

class Rounds {
  private readonly cluster: Cluster;
  private readonly target: KillTarget;
  private seed = 1;
  private generation = 0;
  private workers: string[];

  constructor(cluster: Cluster, { target, atOnce }: KillOptions) {
    this.cluster = cluster;
    this.target = target;
    this.workers = Array.from({ length: atOnce }, (_, index) => `worker-${index}`);
  }

  /** One kill of a shared process hits every job that runs; agents and engines die one by one. */
  async run(count: number): Promise<RoundEnd[]> {
    const { api } = this.cluster;
    const seeds = Array.from({ length: count }, () => this.seed++);
    const ids = await Promise.all(
      seeds.map(async (seed) => {
        const submit = (): Promise<JobBody> => api.submit(steppedPicture(seed, steps, stepMs));
        return (await eventually("a submit", submit)).id;
      }),
    );
    await Promise.all(ids.map((id) => this.untilHalfway(id)));
    const killedMs = performance.now();
    await this.strike();
    return Promise.all(ids.map((id, at) => this.follow(id, seeds[at] ?? 0, killedMs)));
  }

  private async strike(): Promise<void> {
    const { cluster, target, workers } = this;
    if (target === "gateway") {
      await cluster.kill("gateway");
      await cluster.startGateway();
    } else if (target === "postgres") {
      await cluster.killPostgres();
    } else if (target === "engine") {
      await Promise.all(workers.map((name) => cluster.killEngineOf(name)));
    } else {
      await Promise.all(workers.map((name) => cluster.kill(name)));
      this.generation++;
      this.workers = workers.map((_, index) => `worker-${index}-${this.generation}`);
      for (const name of this.workers) cluster.startWorker(name);
    }
  }

  private async untilHalfway(id: string): Promise<void> {
    await eventually("progress", async () => {
      const job = await this.cluster.api.get(id);
      return (job.progress?.value ?? 0) > 0.2 ? true : undefined;
    });
  }

  private async follow(id: string, seed: number, killedMs: number): Promise<RoundEnd> {
    const sinceS = (): number => (performance.now() - killedMs) / 1000;
    const { api } = this.cluster;
    let noticeS = 0;
    const job = await eventually(
      `the end of job ${id}`,
      async () => {
        const now = await api.get(id);
        const isLost = now.status === "queued" || (now.progress?.value ?? 0) === 0;
        if (this.target === "agent" && noticeS === 0 && isLost) noticeS = sinceS();
        return now.completed_at === null ? undefined : now;
      },
      120_000,
    );
    const endS = sinceS();
    // A loss that nobody saw happen was noticed at the end at the latest.
    if (this.target === "agent" && noticeS === 0) noticeS = endS;
    return { job, isIntact: await this.isIntact(job, seed), endS, noticeS };
  }

  /** The same seed gives the same bytes, so an undisturbed run tells what they should be. */
  private async isIntact(job: JobBody, seed: number): Promise<boolean> {
    const { api } = this.cluster;
    const [output] = job.outputs;
    if (output === undefined || job.outputs.length !== 1) return false;
    const again = await eventually("the comparison", async () => {
      const { id } = await api.submit(steppedPicture(seed, steps, 0));
      return api.end(id);
    });
    const [expected] = again.outputs;
    if (expected === undefined) return false;
    const [left, right] = await Promise.all([api.bytes(output), api.bytes(expected)]);
    return pixelHash(left) === pixelHash(right);
  }
}

/** Of the picture's data, not of the workflow that the file carries along. */
function pixelHash(png: Buffer): string {
  const start = png.indexOf("IDAT");
  return createHash("sha256").update(png.subarray(start)).digest("hex");
}
