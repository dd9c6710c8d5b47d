import { describe, expect, it, onTestFinished } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeRunpod } from "../../../test/fake-cloud/runpod.ts";
import { describeCloud, launchSpec } from "../platform.suite.ts";
import { drainJob, driftOf, failureOf, statusOf, type RunpodPlace } from "./map.ts";

describe("RunPod Serverless", () => {
  describeCloud(() => cloudFixture(openFakeRunpod));

  it("notes the GPU that a job really got, and asks for it once", async () => {
    const fixture = await cloudFixture(openFakeRunpod);
    onTestFinished(() => fixture.close());
    const spec = launchSpec();
    const { externalId } = await fixture.platform.launch(spec);
    const known = [{ clientToken: spec.clientToken, externalId }];
    const [status] = await fixture.platform.list(known);
    expect(status?.hardware?.gpu).toBe("NVIDIA RTX A5000");
    const before = fixture.cloud.requestCount();
    await fixture.platform.list(known);
    expect(fixture.cloud.requestCount() - before).toBe(1);
  });
});

const place: RunpodPlace = {
  endpointId: "e",
  offer: { gpu: "ADA_24", region: null, isSpot: false },
  maxRunMs: 60_000,
  workers: { min: 0, max: 5, idleTimeout: 5 },
};
const known = { clientToken: "token-1", externalId: "job-1" };

describe("the RunPod map", () => {
  it("lets a job live as long as its run and its time in the queue", () => {
    const { policy, input } = drainJob(place, launchSpec({ workerName: "w-9" }));
    expect(policy).toEqual({ executionTimeout: 60_000, ttl: 3_660_000 });
    expect(input.hearth.environment).toMatchObject({ HEARTH_WORKER_NAME: "w-9" });
  });

  it.each([
    ["IN_QUEUE", "pending"],
    ["IN_PROGRESS", "running"],
    ["RUNNING", "running"],
    ["COMPLETED", undefined],
    ["CANCELLED", undefined],
    ["TIMED_OUT", undefined],
    ["SOMETHING_NEW", undefined],
  ])("reads the status %s as %s", (status, state) => {
    expect(statusOf(known, { status }, place, new Map())?.state).toBe(state);
  });

  it("takes a job that RunPod has forgotten for gone", () => {
    expect(statusOf(known, undefined, place, new Map())).toBeUndefined();
  });

  it("says what RunPod has lowered, and nothing where nothing is", () => {
    expect(driftOf({ min: 0, max: 0, idleTimeout: 5 }, place)).toContain("max 0");
    expect(driftOf(place.workers, place)).toBeUndefined();
    // A queue that is scaled by its requests has no idle timeout, and refuses one.
    expect(driftOf({ min: 0, max: 5 }, place)).toBeUndefined();
  });

  it.each([
    [429, "", "throttled"],
    [404, "", "missing"],
    [402, "", "quota"],
    [403, "Your spend limit is reached", "quota"],
    [403, "forbidden", "refused"],
    [500, "", "unreachable"],
    [undefined, "", "unreachable"],
  ])("reads HTTP %s %s as %s", (status, text, kind) => {
    expect(failureOf({ status, retryAfter: null, text }, 0).kind).toBe(kind);
  });
});
