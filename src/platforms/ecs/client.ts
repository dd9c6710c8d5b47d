import type * as Sdk from "@aws-sdk/client-ecs";
import type { ECSClient, ECSClientConfig, Task } from "@aws-sdk/client-ecs";

import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";
import { failureOf, failureOfReply, familyOf, runTaskInput, type EcsPlace } from "./map.ts";
import type { LaunchSpec } from "../platform.ts";

/** Bounds on one look at the cluster; a page has up to 100 tasks. */
const maxPages = 50;
const describeLimit = 100;
const maxKnownMachines = 2_000;

/** RunTask's own way to say no. */
class NotPlaced extends Error {
  override readonly name = "NotPlaced";
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super("the task was not placed");
    this.failure = failure;
  }
}

/** The calls that we need of the AWS SDK, which is loaded only here. */
export class EcsClient {
  private readonly sdk: typeof Sdk;
  private readonly client: ECSClient;
  private readonly place: EcsPlace;
  private readonly patience: CallPatience;
  private readonly machineTypes = new Map<string, string>();

  private constructor(
    sdk: typeof Sdk,
    config: ECSClientConfig,
    place: EcsPlace,
    patience: CallPatience,
  ) {
    this.sdk = sdk;
    // One way of trying again, ours: the SDK's own would multiply with it.
    this.client = new sdk.ECSClient({ ...config, maxAttempts: 1 });
    this.place = place;
    this.patience = patience;
  }

  static async open(
    config: ECSClientConfig,
    place: EcsPlace,
    patience: CallPatience,
  ): Promise<EcsClient> {
    return new EcsClient(await import("@aws-sdk/client-ecs"), config, place, patience);
  }

  /** Idempotent by the launch's token. Returns the task's ARN. */
  async runTask(spec: LaunchSpec): Promise<string> {
    const input = runTaskInput(this.place, spec);
    const arn = await this.call("RunTask", async (signal) => {
      const command = new this.sdk.RunTaskCommand(input);
      const { tasks, failures } = await this.client.send(command, { abortSignal: signal });
      const taskArn = tasks?.[0]?.taskArn;
      if (taskArn === undefined) throw new NotPlaced(failureOfReply(failures ?? []));
      return taskArn;
    });
    return arn ?? "";
  }

  async stopTask(taskArn: string): Promise<void> {
    const { cluster } = this.place;
    const input = { cluster, task: taskArn, reason: "no longer needed" };
    await this.call("StopTask", (signal) =>
      this.client.send(new this.sdk.StopTaskCommand(input), { abortSignal: signal }),
    );
  }

  async runningTaskArns(): Promise<readonly string[]> {
    const { cluster, taskDefinition } = this.place;
    const family = familyOf(taskDefinition);
    const arns: string[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const input = { cluster, family, ...(nextToken !== undefined && { nextToken }) };
      const reply = await this.call("ListTasks", (signal) =>
        this.client.send(new this.sdk.ListTasksCommand(input), { abortSignal: signal }),
      );
      arns.push(...(reply?.taskArns ?? []));
      nextToken = reply?.nextToken;
      if (nextToken === undefined) break;
    }
    return arns;
  }

  async describeTasks(arns: readonly string[]): Promise<readonly Task[]> {
    const { cluster } = this.place;
    const tasks: Task[] = [];
    for (let from = 0; from < arns.length; from += describeLimit) {
      const batch = arns.slice(from, from + describeLimit);
      const reply = await this.call("DescribeTasks", (signal) =>
        this.client.send(
          new this.sdk.DescribeTasksCommand({ cluster, tasks: batch, include: ["TAGS"] }),
          { abortSignal: signal },
        ),
      );
      tasks.push(...(reply?.tasks ?? []));
    }
    return tasks;
  }

  /** EC2 instance types by container instance; each is asked for once. */
  async machineTypesOf(tasks: readonly Task[]): Promise<ReadonlyMap<string, string>> {
    if (this.machineTypes.size > maxKnownMachines) this.machineTypes.clear();
    const named = tasks.flatMap(({ containerInstanceArn: arn }) =>
      arn === undefined ? [] : [arn],
    );
    const unknown = [...new Set(named)].filter((arn) => !this.machineTypes.has(arn));
    for (let from = 0; from < unknown.length; from += describeLimit) {
      const containerInstances = unknown.slice(from, from + describeLimit);
      const { cluster } = this.place;
      const reply = await this.call("DescribeContainerInstances", (signal) =>
        this.client.send(
          new this.sdk.DescribeContainerInstancesCommand({ cluster, containerInstances }),
          { abortSignal: signal },
        ),
      );
      for (const { containerInstanceArn, attributes } of reply?.containerInstances ?? []) {
        const type = attributes?.find(({ name }) => name === "ecs.instance-type")?.value;
        if (containerInstanceArn !== undefined && type !== undefined) {
          this.machineTypes.set(containerInstanceArn, type);
        }
      }
    }
    return this.machineTypes;
  }

  private call<T>(
    operation: string,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    return callPlatform(
      {
        what: `ECS ${operation}`,
        run,
        failureOf: (thrown) =>
          thrown instanceof NotPlaced
            ? thrown.failure
            : failureOf(thrown, this.patience.clock.now()),
        isIdempotent: true,
      },
      this.patience,
    );
  }
}
