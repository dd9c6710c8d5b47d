import type { JobExecution } from "@azure/arm-appcontainers";
import { describe, expect, it } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeContainerApps } from "../../../test/fake-cloud/container-apps.ts";
import { describeCloud, launchSpec } from "../platform.suite.ts";
import { failureOf, startTemplate, statusOf, type ContainerAppsPlace } from "./map.ts";

describe("Azure Container Apps", () => {
  describeCloud(() => cloudFixture(openFakeContainerApps));
});

const place: ContainerAppsPlace = {
  subscriptionId: "s",
  resourceGroup: "g",
  job: "worker",
  container: "worker",
  image: "worker:2",
  cpuCores: 8,
  memory: "56Gi",
  offer: { gpu: "t4", region: "westeurope", isSpot: false },
};

function execution(change: Partial<JobExecution> = {}): JobExecution {
  const template = startTemplate(place, launchSpec({ clientToken: "token-1" }));
  return { name: "worker-1", status: "Running", template, ...change };
}

const nobody = new Set<string>();

describe("the Container Apps map", () => {
  it("names the whole container, since a start replaces the job's own", () => {
    expect(startTemplate(place, launchSpec()).containers).toMatchObject([
      { name: "worker", image: "worker:2", resources: { cpu: 8, memory: "56Gi" } },
    ]);
  });

  it.each([
    [{}, "running"],
    [{ status: "Processing" }, "pending"],
    [{ status: "Unknown" }, "pending"],
    [{ status: "Succeeded" }, undefined],
    [{ status: "Failed" }, undefined],
    [{ status: "Stopped" }, undefined],
    [{ template: { containers: [{ name: "worker", image: "worker:1" }] } }, "obsolete"],
  ])("reads an execution with %j as %s", (change, state) => {
    expect(statusOf(execution(change), place, nobody)?.state).toBe(state);
  });

  it("remembers which execution was asked to leave", () => {
    expect(statusOf(execution(), place, new Set(["worker-1"]))?.state).toBe("terminating");
  });

  it.each([
    [{ statusCode: 404 }, "missing"],
    [{ statusCode: 429 }, "throttled"],
    [{ statusCode: 400, code: "MaxNumberOfGpusExceeded" }, "quota"],
    [{ statusCode: 409, message: "no capacity for this workload profile" }, "capacity"],
    [{ statusCode: 403, code: "AuthorizationFailed" }, "refused"],
    [{ statusCode: 503 }, "unreachable"],
    [new Error("connect ECONNREFUSED"), "unreachable"],
  ])("reads the error %j as %s", (thrown, kind) => {
    expect(failureOf(thrown, 0).kind).toBe(kind);
  });
});
