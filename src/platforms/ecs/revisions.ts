import type { RegisterTaskDefinitionRequest } from "@aws-sdk/client-ecs";

import type { FoundResource } from "../../deploy/plan/resource.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { foundOf, type EcsCalls } from "./deploy-calls.ts";

/** Each apply leaves none but the newest, unless it is cut off. */
const maxRevisions = 100;

export const revisionKinds = { newest: "task definition", old: "old task definition" } as const;

/** The revisions of a task definition: the newest active one counts, the others are to go. */
export class EcsRevisions {
  private readonly calls: EcsCalls;

  constructor(calls: EcsCalls) {
    this.calls = calls;
  }

  async read(family: string): Promise<readonly FoundResource[]> {
    const [active, inactive] = [
      await this.list(family, "ACTIVE"),
      await this.list(family, "INACTIVE"),
    ];
    const newest = active.at(-1);
    const old = [...inactive, ...active.slice(0, -1)];
    const found = [
      ...(newest === undefined ? [] : [await this.describe(revisionKinds.newest, family, newest)]),
      ...(await Promise.all(
        old.map((arn) => this.describe(revisionKinds.old, arn.replace(/^.*\//u, ""), arn)),
      )),
    ];
    return found.filter((each) => each !== undefined);
  }

  async register(fields: JsonObject): Promise<void> {
    const input = fields as unknown as RegisterTaskDefinitionRequest;
    await this.calls.send("RegisterTaskDefinition", (sdk, client, abortSignal) =>
      client.send(new sdk.RegisterTaskDefinitionCommand(input), { abortSignal }),
    );
  }

  async remove(taskDefinition: string): Promise<void> {
    await this.calls.send("DeregisterTaskDefinition", (sdk, client, abortSignal) =>
      client.send(new sdk.DeregisterTaskDefinitionCommand({ taskDefinition }), { abortSignal }),
    );
    const input = { taskDefinitions: [taskDefinition] };
    await this.calls.send("DeleteTaskDefinitions", (sdk, client, abortSignal) =>
      client.send(new sdk.DeleteTaskDefinitionsCommand(input), { abortSignal }),
    );
  }

  private async describe(
    kind: string,
    name: string,
    arn: string,
  ): Promise<FoundResource | undefined> {
    const input = { taskDefinition: arn, include: ["TAGS" as const] };
    const reply = await this.calls.call("DescribeTaskDefinition", (sdk, client, abortSignal) =>
      client.send(new sdk.DescribeTaskDefinitionCommand(input), { abortSignal }),
    );
    const { taskDefinition: found, tags = [] } = reply ?? {};
    return found && foundOf(kind, name, arn, tags, { ...found, tags });
  }

  /** By number, the newest last. */
  private async list(
    familyPrefix: string,
    status: "ACTIVE" | "INACTIVE",
  ): Promise<readonly string[]> {
    const input = { familyPrefix, status, maxResults: maxRevisions, sort: "ASC" as const };
    const reply = await this.calls.call("ListTaskDefinitions", (sdk, client, abortSignal) =>
      client.send(new sdk.ListTaskDefinitionsCommand(input), { abortSignal }),
    );
    // A prefix finds families with longer names as well.
    return (reply?.taskDefinitionArns ?? []).filter((arn) =>
      arn.replace(/:\d+$/u, "").endsWith(`/${familyPrefix}`),
    );
  }
}
