import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { attemptArrows, attemptStates } from "./attempt.ts";
import { isTerminal, jobStates, type JobState } from "./job.ts";
import {
  decideAfterFailure,
  noFailures,
  retryBudget,
  type AttemptFailure,
  type FailureClass,
} from "./retry-budget.ts";
import { jobArrows, jobEvents, nextJobState } from "./transitions.ts";

const drawing = readFileSync(new URL("../../docs/state-machines.md", import.meta.url), "utf8");

/** The arrows of one drawing, as "from --event--> to". */
function drawn(section: string): string[] {
  const body = drawing.split(`## ${section}`)[1]?.split("\n## ")[0] ?? "";
  return [...body.matchAll(/^\s*(\w+) --> (\w+)(?:: (\w+))?$/gmu)].map(
    ([, from, to, event]) => `${from} --${event ?? ""}--> ${to}`,
  );
}

describe("the state machine of a job", () => {
  const arrows = jobStates.flatMap((from) =>
    jobEvents.flatMap((event) => {
      const to = nextJobState(from, event);
      return to === undefined ? [] : [`${from} --${event}--> ${to}`];
    }),
  );
  it("is the one that the documentation draws, arrow by arrow", () => {
    expect(drawn("Job").sort()).toEqual([...arrows].sort());
  });
  it.each(jobStates.filter(isTerminal))("ends in %s", (state) => {
    expect(jobArrows[state]).toEqual({});
  });
  it("can always reach an end", () => {
    const endsFrom = (state: JobState, seen: readonly JobState[]): boolean =>
      isTerminal(state) ||
      Object.values(jobArrows[state]).some(
        (next) => !seen.includes(next) && endsFrom(next, [...seen, next]),
      );
    expect(jobStates.every((state) => endsFrom(state, [state]))).toBe(true);
  });
});

describe("the state machine of an attempt", () => {
  it("is the one that the documentation draws, arrow by arrow", () => {
    const arrows = attemptStates.flatMap((from) =>
      attemptArrows[from].map((to) => `${from} ----> ${to}`),
    );
    expect(drawn("Attempt").sort()).toEqual(arrows.sort());
  });
});

describe("the retry budget", () => {
  const failed = (failureClass: FailureClass): AttemptFailure => ({
    failureClass,
    failure: { code: "x", message: "x", nodeId: null, classType: null, traceback: null },
  });
  const retriesOf = (failureClass: FailureClass): number => {
    let counts = noFailures;
    for (let retries = 0; retries < 100; retries++) {
      const decision = decideAfterFailure(
        { state: "running", counts, hasLargerWorker: true, cardBytes: 8 },
        failed(failureClass),
      );
      if (decision.action !== "requeue") return retries;
      counts = decision.counts;
    }
    return Infinity;
  };
  it.each(Object.entries(retryBudget))("of %s allows %i retries", (failureClass, budget) => {
    expect(retriesOf(failureClass as FailureClass)).toBe(budget);
  });
  it("does not retry out of memory where no worker has more", () => {
    const snapshot = {
      state: "running",
      counts: noFailures,
      hasLargerWorker: false,
      cardBytes: 8,
    } as const;
    expect(decideAfterFailure(snapshot, failed("out_of_memory")).action).toBe("fail");
  });
  it("retries out of memory only where there is more", () => {
    const snapshot = { state: "running", counts: noFailures, hasLargerWorker: true } as const;
    const after = (failureClass: FailureClass): unknown =>
      decideAfterFailure({ ...snapshot, cardBytes: 8 }, failed(failureClass));
    expect(after("out_of_memory")).toMatchObject({ action: "requeue", leastVramBytes: 9 });
    expect(after("transient")).toMatchObject({ action: "requeue", leastVramBytes: 0 });
  });
  it("never retries a job that is being canceled", () => {
    const snapshot = {
      state: "canceling",
      counts: noFailures,
      hasLargerWorker: true,
      cardBytes: 8,
    } as const;
    expect(decideAfterFailure(snapshot, failed("worker_death")).action).toBe("cancel");
  });
  it("bounds the attempts of any mixture of failures", () => {
    const classes = fc.constantFrom<FailureClass>(
      "out_of_memory",
      "transient",
      "preempted",
      "worker_death",
    );
    fc.assert(
      fc.property(fc.infiniteStream(classes), (failures) => {
        let counts = noFailures;
        for (let attempts = 1; attempts <= 18; attempts++) {
          const failureClass = failures.next().value ?? "transient";
          const decision = decideAfterFailure(
            { state: "running", counts, hasLargerWorker: true, cardBytes: 8 },
            failed(failureClass),
          );
          if (decision.action !== "requeue") return;
          counts = decision.counts;
        }
        throw new Error("the job was tried more than 17 times");
      }),
    );
  });
});
