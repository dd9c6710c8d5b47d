import { randomUUID } from "node:crypto";

import * as sdk from "@aws-sdk/client-ecs";

import { EcsPlatform } from "../../src/platforms/ecs/platform.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { serveJson, type FakeReply, type FakeRequest } from "./http.ts";
import { Machines, type Machine } from "./machines.ts";
import { smithyFaults } from "./smithy.ts";

const account = "arn:aws:ecs:eu-test-1:123456789012";
const prefix = "AmazonEC2ContainerServiceV20141113.";
const requestSchemas: Readonly<Record<string, unknown>> = {
  RunTask: sdk.RunTaskRequest$,
  StopTask: sdk.StopTaskRequest$,
  ListTasks: sdk.ListTasksRequest$,
  DescribeTasks: sdk.DescribeTasksRequest$,
  DescribeContainerInstances: sdk.DescribeContainerInstancesRequest$,
};

function refusal(status: number, type: string, message: string): FakeReply {
  return { status, body: { __type: type, message } };
}

/** Amazon ECS: JSON 1.1, failures inside a 200, idempotent by client token. */
class FakeEcs {
  readonly machines: Machines;
  readonly faults = new Faults();
  private readonly setting: CloudSetting;
  private readonly byClientToken = new Map<string, string>();

  constructor(setting: CloudSetting) {
    this.setting = setting;
    this.machines = new Machines({ ...setting, graceMs: 30_000 });
  }

  handle({ headers, body }: FakeRequest): FakeReply {
    const operation = String(headers["x-amz-target"]).slice(prefix.length);
    const faults = smithyFaults(requestSchemas[operation], body);
    if (faults.length > 0) return refusal(400, "InvalidParameterException", faults.join("; "));
    const input: unknown = body;
    switch (operation) {
      case "RunTask":
        return this.runTask(input as sdk.RunTaskRequest);
      case "StopTask":
        return this.stopTask(input as sdk.StopTaskRequest);
      case "ListTasks":
        return this.listTasks(input as sdk.ListTasksRequest);
      case "DescribeTasks":
        return this.describeTasks(input as sdk.DescribeTasksRequest);
      case "DescribeContainerInstances":
        return this.describeInstances(input as sdk.DescribeContainerInstancesRequest);
      default:
        return refusal(400, "UnknownOperationException", operation);
    }
  }

  private runTask(input: sdk.RunTaskRequest): FakeReply {
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    if (fault === "throttled") {
      const { body } = refusal(400, "ThrottlingException", "Rate exceeded");
      return { status: 400, headers: { "retry-after": "2" }, body };
    }
    if (fault === "quota") {
      return refusal(400, "LimitExceededException", "You've reached the limit on vCPUs.");
    }
    if (fault === "refused") return refusal(400, "AccessDeniedException", "not authorized");
    if (input.capacityProviderStrategy !== undefined && input.launchType !== undefined) {
      return refusal(400, "InvalidParameterException", "strategy and launch type exclude another");
    }
    if (fault === "capacity") {
      return { status: 200, body: { tasks: [], failures: [{ reason: "RESOURCE:GPU" }] } };
    }
    const known = this.byClientToken.get(input.clientToken ?? "");
    const machine = this.machines.all.get(known ?? "") ?? this.add(input);
    const body = { tasks: [this.taskOf(machine)], failures: [] };
    return { status: 200, body, isLost: fault === "lost_reply" };
  }

  private add(input: sdk.RunTaskRequest): Machine {
    const [container] = input.overrides?.containerOverrides ?? [];
    const pairs = container?.environment ?? [];
    const environment = Object.fromEntries(pairs.map(({ name, value }) => [name, value ?? ""]));
    const tags = Object.fromEntries((input.tags ?? []).map(({ key, value }) => [key, value ?? ""]));
    const definition = `${account}:task-definition/${input.taskDefinition ?? ""}`;
    const token = tags["hearth-instance"] ?? "";
    const labels = { token, definition, owner: input.startedBy ?? "" };
    const id = `${account}:task/hearth/${randomUUID().replaceAll("-", "")}`;
    const machine = this.machines.add(environment, labels, false, id);
    this.byClientToken.set(input.clientToken ?? "", id);
    return machine;
  }

  private stopTask(input: sdk.StopTaskRequest): FakeReply {
    const machine = this.find(input.task ?? "");
    if (machine === undefined) {
      return refusal(400, "InvalidParameterException", "The referenced task was not found.");
    }
    this.machines.stop(machine.id);
    return { status: 200, body: { task: this.taskOf(machine) } };
  }

  private listTasks(input: sdk.ListTasksRequest): FakeReply {
    this.machines.settle();
    const running = [...this.machines.all.values()].filter(({ state, labels }) => {
      const isFamily = labels["definition"]?.includes(`/${input.family ?? ""}:`);
      return isFamily === true && (state === "running" || state === "pending");
    });
    const from = Number(input.nextToken ?? 0);
    const to = from + this.setting.pageSize;
    const taskArns = running.slice(from, to).map(({ id }) => id);
    return {
      status: 200,
      body: { taskArns, ...(to < running.length && { nextToken: String(to) }) },
    };
  }

  private describeTasks(input: sdk.DescribeTasksRequest): FakeReply {
    this.machines.settle();
    const found = (input.tasks ?? []).map((arn) => ({ arn, machine: this.find(arn) }));
    const tasks = found.flatMap(({ machine }) => (machine ? [this.taskOf(machine)] : []));
    const failures = found
      .filter(({ machine }) => machine === undefined)
      .map(({ arn }) => ({ arn, reason: "MISSING" }));
    return { status: 200, body: { tasks, failures } };
  }

  private describeInstances(input: sdk.DescribeContainerInstancesRequest): FakeReply {
    const containerInstances = (input.containerInstances ?? []).map((containerInstanceArn) => ({
      containerInstanceArn,
      attributes: [{ name: "ecs.instance-type", value: "g6.xlarge" }],
    }));
    return { status: 200, body: { containerInstances, failures: [] } };
  }

  private find(task: string): Machine | undefined {
    return this.machines.all.get(task);
  }

  private taskOf(machine: Machine): object {
    const { id, labels, state } = machine;
    const statuses = { pending: "PROVISIONING", running: "RUNNING", stopping: "STOPPING" } as const;
    return {
      taskArn: id,
      taskDefinitionArn: labels["definition"],
      startedBy: labels["owner"],
      lastStatus: state === "stopped" ? "STOPPED" : statuses[state],
      desiredStatus: state === "running" || state === "pending" ? "RUNNING" : "STOPPED",
      availabilityZone: "eu-test-1a",
      tags: [{ key: "hearth-instance", value: labels["token"] }],
      ...(state !== "pending" && {
        containerInstanceArn: `${account}:container-instance/hearth/1`,
      }),
    };
  }
}

export async function openFakeEcs(setting: CloudSetting): Promise<FakeCloud> {
  const ecs = new FakeEcs(setting);
  const server = await serveJson((request) => ecs.handle(request));
  return {
    machines: ecs.machines,
    faults: ecs.faults,
    get requestCount() {
      return server.requestCount;
    },
    connect: async (patience) =>
      EcsPlatform.open({
        name: "aws",
        owner: "hearth-test",
        cluster: "hearth",
        taskDefinition: "hearth-worker:3",
        container: "worker",
        capacityProvider: "gpu",
        subnets: ["subnet-1"],
        securityGroups: [],
        assignPublicIp: false,
        offer: { gpu: "l4", region: "eu-test-1", isSpot: false },
        patience,
        client: {
          endpoint: server.url,
          region: "eu-test-1",
          credentials: { accessKeyId: "test", secretAccessKey: "test" },
        },
      }),
    close: async () => {
      ecs.machines.close();
      await server.close();
    },
  };
}
