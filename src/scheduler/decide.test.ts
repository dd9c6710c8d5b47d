import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decide, type Decision } from "./decide.ts";
import { explainChoice, explainVerdict } from "./explain.ts";
import type { FleetView, Head, Lane, ModelSetView, QueuedJob, WorkerView } from "./head.ts";
import { defaultPolicy } from "./policy.ts";

const gibibyte = 1024 ** 3;
const policy = { ...defaultPolicy, loadWeight: 2, patienceSeconds: 60 };
const nowSeconds = 1000;
const worker: WorkerView = { workerId: "w1", vramBytes: 24 * gibibyte, claims: 0 };

function headOf(
  jobId: string,
  lane: Lane,
  loadSeconds: number,
  job: Partial<QueuedJob> = {},
): Head {
  return {
    lane,
    loadSeconds,
    job: {
      jobId,
      modelSet: `set-of-${jobId}`,
      keySeconds: 1000,
      coldKeySeconds: 1044,
      overdueAtSeconds: 1120,
      enqueuedAtSeconds: 990,
      estimateSeconds: 20,
      vramBytes: 8 * gibibyte,
      deadlineSeconds: null,
      isDemoted: false,
      ...job,
    },
  };
}

function run(heads: readonly Head[], fleet: FleetView = {}, asking = worker): Decision {
  return decide(asking, heads, fleet, { nowSeconds, policy });
}

function verdicts(decision: Decision): readonly string[] {
  return decision.passedOver.map(({ head, verdict }) => `${head.job.jobId} ${verdict}`);
}

const warm: ModelSetView = { warmWorkers: 1, warmInSeconds: 10, backlogSeconds: 20 };

describe("the decision", () => {
  it("runs a job whose models are resident before an earlier one that must load", () => {
    const decision = run([
      headOf("cold", "cold", 22, { keySeconds: 970 }),
      headOf("warm", "resident", 0),
    ]);
    expect(decision.choice).toEqual({ kind: "run", jobId: "warm", reason: "least_score" });
    expect(decision.ranked.map(({ head }) => head.job.jobId)).toEqual(["warm", "cold"]);
  });
  it("runs the job that must load once it has waited longer than the load is worth", () => {
    const decision = run([
      headOf("cold", "cold", 22, { keySeconds: 950 }),
      headOf("warm", "resident", 0),
    ]);
    expect(decision.choice).toMatchObject({ jobId: "cold" });
  });
  it("never runs what does not fit", () => {
    const decision = run([headOf("big", "resident", 0, { vramBytes: 25 * gibibyte })]);
    expect(decision.choice).toEqual({ kind: "idle" });
    expect(verdicts(decision)).toEqual(["big does_not_fit"]);
  });
  it("takes the larger of two jobs that score alike, so that less VRAM lies idle", () => {
    const decision = run([
      headOf("a", "resident", 0),
      headOf("b", "resident", 0, { vramBytes: 20 * gibibyte }),
    ]);
    expect(decision.choice).toMatchObject({ jobId: "b" });
  });
  it("takes the lesser id of two jobs that are alike in everything", () => {
    const heads = [headOf("b", "resident", 0), headOf("a", "resident", 0)];
    expect(run(heads).choice).toEqual(run(heads.toReversed()).choice);
  });
});

describe("waiting or swapping", () => {
  const cold = headOf("j", "cold", 22);
  const fleetOf = (set: Partial<ModelSetView>): FleetView => ({ "set-of-j": { ...warm, ...set } });
  it("waits for a warm worker that comes to it sooner than loading is worth", () => {
    const decision = run([cold], fleetOf({}));
    expect(verdicts(decision)).toEqual(["j waits_for_warm_worker"]);
  });
  it("fetches ahead what is waited for, instead of idling", () => {
    expect(run([cold], fleetOf({})).choice).toEqual({ kind: "prefetch", modelSet: "set-of-j" });
  });
  it("stays idle where a warm worker comes before a fetch would be done", () => {
    const soon = fleetOf({ warmInSeconds: 5, backlogSeconds: 0 });
    expect(run([cold], soon).choice).toEqual({ kind: "idle" });
  });
  it("loads when the queue for the set is longer than the load", () => {
    expect(run([cold], fleetOf({ backlogSeconds: 35 })).choice).toMatchObject({ kind: "run" });
  });
  it("waits longer when more workers share that queue", () => {
    const decision = run([cold], fleetOf({ backlogSeconds: 60, warmWorkers: 2 }));
    expect(verdicts(decision)).toEqual(["j waits_for_warm_worker"]);
  });
  it("loads when the set is warm nowhere", () => {
    expect(run([cold]).choice).toMatchObject({ kind: "run" });
  });
  it("loads sooner on a worker that is spare", () => {
    const longer = fleetOf({ backlogSeconds: 30 });
    const spare = { ...policy, loadWeight: 4, spareLoadWeight: 1.5 };
    const chosen = [true, false].map((isSpare) => {
      const asking = { ...worker, isSpare };
      return decide(asking, [cold], longer, { nowSeconds, policy: spare }).choice.kind;
    });
    expect(chosen).toEqual(["run", "prefetch"]);
  });
  it("loads when the job has waited past all thrift", () => {
    const patient = headOf("j", "cold", 22, { enqueuedAtSeconds: 939 });
    expect(run([patient], fleetOf({})).choice).toMatchObject({ kind: "run" });
  });
});

describe("the overdue lane", () => {
  const overdue = headOf("old", "overdue", 22, { keySeconds: 1500, overdueAtSeconds: 900 });
  const fresh = headOf("new", "resident", 0);
  it("goes first on every fourth claim", () => {
    const chosen = [0, 1, 2, 3, 4, 7].map((claims) => {
      const { choice } = run([fresh, overdue], {}, { ...worker, claims });
      return choice.kind === "run" ? choice.jobId : choice.kind;
    });
    expect(chosen).toEqual(["new", "new", "new", "old", "new", "old"]);
  });
  it("holds nobody who is not yet overdue", () => {
    const early = headOf("old", "overdue", 0, { keySeconds: 1500 });
    expect(run([fresh, early], {}, { ...worker, claims: 3 }).choice).toMatchObject({
      jobId: "new",
    });
  });
});

describe("a deadline", () => {
  it("that cannot be met any more passes the job over, with the reason", () => {
    const late = headOf("late", "resident", 0, { deadlineSeconds: 1019 });
    expect(verdicts(run([late]))).toEqual(["late deadline_missed"]);
  });
  it("is judged only once", () => {
    const late = headOf("late", "resident", 0, { deadlineSeconds: 1019, isDemoted: true });
    expect(run([late]).choice).toMatchObject({ jobId: "late" });
  });
});

describe("a stored decision", () => {
  const seconds = fc.integer({ min: 0, max: 2000 });
  const drawnHead = fc
    .record({
      lane: fc.constantFrom<Lane>("resident", "cold", "overdue"),
      loadSeconds: fc.nat(60),
      keySeconds: seconds,
      overdueAtSeconds: seconds,
      enqueuedAtSeconds: seconds,
      gibibytes: fc.nat(40),
      deadlineSeconds: fc.option(seconds),
      set: fc.nat(2),
    })
    .map(({ lane, loadSeconds, gibibytes, set, ...times }) => {
      const vramBytes = gibibytes * gibibyte;
      return headOf("", lane, loadSeconds, { ...times, vramBytes, modelSet: `set-${set}` });
    });
  const heads = fc
    .array(drawnHead, { maxLength: 12 })
    .map((list) => list.map((head, at) => ({ ...head, job: { ...head.job, jobId: String(at) } })));
  it("comes out the same when it is replayed from JSON", () => {
    fc.assert(
      fc.property(heads, fc.nat(8), (drawn, claims) => {
        const input = {
          worker: { ...worker, claims },
          heads: drawn,
          fleet: { "set-1": warm },
        };
        const decision = run(input.heads, input.fleet, input.worker);
        const stored = JSON.parse(JSON.stringify(input)) as typeof input;
        expect(run(stored.heads, stored.fleet, stored.worker)).toEqual(decision);
      }),
    );
  });
  it("idles only when every head has a reason against it", () => {
    fc.assert(
      fc.property(heads, (drawn) => {
        const decision = run(drawn, { "set-1": warm });
        expect(decision.ranked.length + decision.passedOver.length).toBe(drawn.length);
        if (decision.choice.kind !== "run") expect(decision.ranked).toEqual([]);
        else expect(decision.ranked[0]?.head.job.vramBytes).toBeLessThanOrEqual(worker.vramBytes);
      }),
    );
  });
});

describe("an explanation", () => {
  it("says what ran, what came second and by how much", () => {
    const decision = run([headOf("a", "resident", 0), headOf("b", "cold", 22)]);
    expect(explainChoice(decision, {})).toBe(
      "runs a (models resident): 44.0 s ahead of b (loads 22.0 s)",
    );
  });
  it("says for what a job waits", () => {
    const fleet = { "set-of-j": warm };
    const decision = run([headOf("j", "cold", 22)], fleet);
    const [passed] = decision.passedOver;
    expect(passed === undefined ? "" : explainVerdict(passed, fleet)).toBe(
      "waits: a worker that holds its models comes to it in about 30.0 s, loading them here takes 22.0 s",
    );
    expect(explainChoice(decision, fleet)).toContain("fetches the models of set-of-j ahead");
  });
  it("says why a worker is idle", () => {
    expect(explainChoice(run([]), {})).toBe("stayed idle: nothing is queued");
  });
});
