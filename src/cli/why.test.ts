import { randomUUID } from "node:crypto";

import { describe, expect, it } from "vitest";

import { addWorker, newJob, placementOf } from "../../test/store.ts";
import { createDispatch } from "../gateway/dispatch/dispatch.ts";
import { createLogger } from "../observability/logger.ts";
import { modelSetId } from "../workflow/model-ref.ts";
import { Stage } from "./stage.suite.ts";

const never = new AbortController().signal;

async function submit(stage: Stage, model: string): Promise<string> {
  const { store } = stage.fixture;
  const keys = [`checkpoints/${model}.safetensors`];
  const modelSet = await store.queue.internModelSet(modelSetId(keys), keys);
  const placement = placementOf("normal", { modelSet, estimateMs: 4_000 });
  const job = newJob(stage.fixture, { placement });
  await store.jobs.submit(job);
  return job.id;
}

describe("the reasons of decisions", () => {
  it("are told of a job that ran, of one that waits, and of the worker", async () => {
    const stage = await Stage.open();
    const { store, deploymentId } = stage.fixture;
    const [cold, warm] = [await submit(stage, "cold"), await submit(stage, "warm")];
    const workerId = await addWorker(stage.fixture);
    const model = "checkpoints/warm.safetensors";
    await store.workers.reportResidents(workerId, [
      { model, bytes: 7e9, tier: "vram", pinned: false },
    ]);
    const logger = createLogger({ level: "silent" });
    const clock = { now: Date.now };
    const options = { store, logger, clock, leaseMs: 30_000, newId: randomUUID };
    const dispatch = createDispatch(options);
    const claim = await dispatch.dispatcher.claim(deploymentId, workerId, 20_000, never);
    expect(claim?.jobId).toBe(warm);
    await dispatch.close();

    const ran = await stage.cli(["jobs", "why", warm]);
    expect(ran.stdout).toContain(`models      ${model}`);
    expect(ran.stdout).toContain(`runs ${warm} (models resident)`);
    const waits = await stage.cli(["jobs", "why", cold, "--json"]);
    expect(JSON.parse(waits.stdout)).toMatchObject({
      data: { job: { state: "queued" }, decisions: [{ claimedJobId: warm, workerId }] },
    });
    const worker = await stage.cli(["workers", "why", workerId]);
    expect(worker.stdout).toContain(warm);
    expect(await stage.cli(["jobs", "why", randomUUID()])).toMatchObject({ code: 4 });
  });
});

describe("tenants", () => {
  it("are limited, and told so when they go beyond it", async () => {
    const stage = await Stage.open();
    await stage.cli(["tenants", "set", "default", "--max-queued", "1", "--priority", "high"]);
    expect(await stage.cli(["run", "w.json", "--no-wait"])).toMatchObject({ code: 0 });
    const refused = await stage.cli(["run", "w.json", "--no-wait", "--json"]);
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: "tenant_limit", details: { limit: "max_queued", value: 1 } },
    });
    await stage.cli(["tenants", "set", "default", "--max-queued", "none"]);
    const listed = await stage.cli(["tenants", "ls", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      data: [{ slug: "default", maxQueued: null, defaultPriority: "high" }],
    });
    expect(await stage.cli(["tenants", "set", "nobody", "--max-queued", "1"])).toMatchObject({
      code: 4,
    });
  });

  it("share a deployment with others, who find it only then", async () => {
    const stage = await Stage.open();
    expect(await stage.cli(["deployments", "create", "common", "--tenant", "owner"])).toMatchObject(
      { code: 0 },
    );
    const run = ["run", "w.json", "--no-wait", "-d", "common"];
    expect(await stage.cli(run)).toMatchObject({ code: 4 });
    const share = ["tenants", "share", "default", "common", "--weight", "2"];
    expect(await stage.cli(share)).toMatchObject({ code: 0 });
    const shares = await stage.cli(["tenants", "ls"]);
    expect(shares.stdout).toContain("common (weight 2)");
    expect(await stage.cli(["tenants", "unshare", "default", "common"])).toMatchObject({ code: 0 });
    expect(await stage.cli(["tenants", "unshare", "default", "common"])).toMatchObject({ code: 2 });
  });
});
