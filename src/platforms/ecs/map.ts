import type { Failure, RunTaskCommandInput, Task } from "@aws-sdk/client-ecs";

import { awsFailureOf } from "../aws-failures.ts";
import type { CallFailure } from "../calls.ts";
import { workerVariables } from "../environment.ts";
import type { Hardware, InstanceStatus, LaunchSpec } from "../platform.ts";

/** Where and how tasks run. */
export interface EcsPlace {
  readonly owner: string;
  readonly cluster: string;
  /** `family:revision`, so that a new revision makes running tasks obsolete. */
  readonly taskDefinition: string;
  /** The container of the task definition that runs the worker. */
  readonly container: string;
  /** Managed instances or an Auto Scaling group with GPUs. */
  readonly capacityProvider: string;
  /** Empty where the task definition's network mode needs none. */
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: boolean;
  readonly offer: Hardware;
}

/** The tag that carries the token of a launch. */
const instanceTag = "hearth-instance";

export function runTaskInput(place: EcsPlace, spec: LaunchSpec): RunTaskCommandInput {
  const environment = workerVariables(spec);
  return {
    cluster: place.cluster,
    taskDefinition: place.taskDefinition,
    count: 1,
    clientToken: spec.clientToken,
    startedBy: place.owner,
    capacityProviderStrategy: [{ capacityProvider: place.capacityProvider, weight: 1 }],
    overrides: { containerOverrides: [{ name: place.container, environment }] },
    tags: [{ key: instanceTag, value: spec.clientToken }],
    ...(place.subnets.length > 0 && {
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...place.subnets],
          securityGroups: [...place.securityGroups],
          assignPublicIp: place.assignPublicIp ? "ENABLED" : "DISABLED",
        },
      },
    }),
  };
}

/** The family of a task definition given by name or ARN, with or without a revision. */
export function familyOf(taskDefinition: string): string {
  return taskDefinition.replace(/^.*\//u, "").replace(/:\d+$/u, "");
}

/** What a task is to us; undefined once it has stopped, and for tasks that are not ours. */
export function statusOf(
  task: Task,
  place: EcsPlace,
  instanceType: string | undefined,
): InstanceStatus | undefined {
  const { taskArn, lastStatus, desiredStatus } = task;
  const isOver = lastStatus === "STOPPED" || lastStatus === "DELETED";
  if (taskArn === undefined || isOver || task.startedBy !== place.owner) return undefined;
  const clientToken = task.tags?.find(({ key }) => key === instanceTag)?.value ?? null;
  const { offer } = place;
  const hardware =
    instanceType === undefined
      ? undefined
      : { gpu: instanceType, region: offer.region, isSpot: offer.isSpot };
  const state = stateOf(lastStatus, desiredStatus, isObsolete(task, place));
  return { externalId: taskArn, clientToken, state, ...(hardware && { hardware }) };
}

function stateOf(
  lastStatus: string | undefined,
  desiredStatus: string | undefined,
  isObsolete: boolean,
): InstanceStatus["state"] {
  if (desiredStatus === "STOPPED") return "terminating";
  if (isObsolete) return "obsolete";
  return lastStatus === "RUNNING" ? "running" : "pending";
}

function isObsolete(task: Task, place: EcsPlace): boolean {
  const name = place.taskDefinition.replace(/^.*\//u, "");
  const running = task.taskDefinitionArn?.replace(/^.*\//u, "");
  return /:\d+$/u.test(name) && running !== undefined && running !== name;
}

/** RunTask answers 200 also when it placed nothing. */
export function failureOfReply(failures: readonly Failure[]): CallFailure {
  const [{ reason = "no task and no reason", detail } = {}] = failures;
  const text = detail === undefined ? reason : `${reason} (${detail})`;
  const isCapacity = /^RESOURCE:|capacity|AGENT/iu.test(reason);
  return isCapacity ? { kind: "capacity", reason: text } : { kind: "refused", reason: text };
}

/** What an error of the SDK means. */
export function failureOf(thrown: unknown, nowMs: number): CallFailure {
  const message = thrown instanceof Error ? thrown.message : "";
  if (/capacity is unavailable/iu.test(message)) return { kind: "capacity", reason: message };
  if (/task was not found/iu.test(message)) return { kind: "missing" };
  return awsFailureOf(thrown, nowMs);
}
