import type { Task } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeEcs } from "../../../test/fake-cloud/ecs.ts";
import { describeCloud, launchSpec } from "../platform.suite.ts";
import { failureOf, failureOfReply, familyOf, runTaskInput, statusOf } from "./map.ts";

describe("Amazon ECS", () => {
  describeCloud(() => cloudFixture(openFakeEcs));
});

const place = {
  owner: "hearth-1",
  cluster: "gpus",
  taskDefinition: "worker:7",
  container: "agent",
  capacityProvider: "managed",
  subnets: ["subnet-1"],
  securityGroups: [],
  assignPublicIp: false,
  offer: { gpu: "l4", region: "eu-1", isSpot: false },
};

const task: Task = {
  taskArn: "arn:t",
  taskDefinitionArn: "arn:aws:ecs:eu-1:1:task-definition/worker:7",
  startedBy: "hearth-1",
  lastStatus: "RUNNING",
  desiredStatus: "RUNNING",
  tags: [{ key: "hearth-instance", value: "token-1" }],
};

describe("the ECS map", () => {
  it("names the launch for idempotency, and keeps the enrolment token out of tags", () => {
    const spec = launchSpec();
    const input = runTaskInput(place, spec);
    expect(input).toMatchObject({ clientToken: spec.clientToken, count: 1, startedBy: "hearth-1" });
    expect(JSON.stringify(input.tags)).not.toContain(spec.enrollmentToken);
    expect(input.launchType).toBeUndefined();
  });

  it.each([
    [{}, "running"],
    [{ lastStatus: "PROVISIONING" }, "pending"],
    [{ lastStatus: "ACTIVATING" }, "pending"],
    [{ desiredStatus: "STOPPED", lastStatus: "STOPPING" }, "terminating"],
    [{ taskDefinitionArn: "arn:aws:ecs:eu-1:1:task-definition/worker:6" }, "obsolete"],
    [{ lastStatus: "STOPPED" }, undefined],
    [{ startedBy: "somebody" }, undefined],
  ])("reads a task with %j as %s", (change, state) => {
    expect(statusOf({ ...task, ...change }, place, undefined)?.state).toBe(state);
  });

  it("tells the machine that a task got", () => {
    const status = statusOf(task, place, "g6.xlarge");
    expect(status?.hardware).toEqual({ gpu: "g6.xlarge", region: "eu-1", isSpot: false });
  });

  it.each([
    ["RESOURCE:GPU", "capacity"],
    ["Capacity is unavailable at this time", "capacity"],
    ["AGENT", "capacity"],
    ["ATTRIBUTE", "refused"],
  ])("reads a failure inside a 200 (%s) as %s", (reason, kind) => {
    expect(failureOfReply([{ reason }]).kind).toBe(kind);
  });

  it.each([
    ["ThrottlingException", "Rate exceeded", 400, "throttled"],
    ["LimitExceededException", "too many", 400, "quota"],
    ["AccessDeniedException", "no", 400, "refused"],
    ["InvalidParameterException", "The referenced task was not found.", 400, "missing"],
    ["ServerException", "oops", 500, "unreachable"],
  ])("reads %s as %s", (name, message, httpStatusCode, kind) => {
    const thrown = Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
    expect(failureOf(thrown, 0).kind).toBe(kind);
  });

  it.each([
    ["worker", "worker"],
    ["worker:7", "worker"],
    ["arn:aws:ecs:eu-1:1:task-definition/worker:7", "worker"],
  ])("finds the family of %s", (name, family) => {
    expect(familyOf(name)).toBe(family);
  });
});
