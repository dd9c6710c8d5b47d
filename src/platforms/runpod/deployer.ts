import { runpodMarks } from "../../deploy/resources/runpod.ts";
import type { FoundResource, Resource } from "../../deploy/plan/resource.ts";
import { isJsonObject, textIn, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import type { CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { RunpodManagement, type RunpodManagementAccess } from "./management.ts";

/** Endpoints of RunPod Serverless. A change of image or variables makes workers come anew. */
export class RunpodDeployer implements Deployer {
  private readonly management: RunpodManagement;

  constructor(access: RunpodManagementAccess, patience: CallPatience) {
    this.management = new RunpodManagement(access, patience);
  }

  async read(deployment: string, wanted: readonly Resource[]): Promise<readonly FoundResource[]> {
    const reply = await this.management.send("list endpoints", "GET", "/serverless");
    const names = new Set(wanted.map(({ name }) => name));
    return listIn(reply)
      .map(foundOf)
      .filter((each) => each.deployment === deployment || names.has(each.name));
  }

  async create({ fields }: Resource): Promise<void> {
    await this.management.send("create endpoint", "POST", "/serverless", fields);
  }

  /** Only what differs is sent: a list of pools without the excluded cards would clear those. */
  async update({ fields }: Resource, found: FoundResource): Promise<void> {
    const { type: _, ...settable } = fields;
    const differing = Object.entries(settable).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(found.fields[key]),
    );
    const body = Object.fromEntries(differing);
    await this.management.send("update endpoint", "PATCH", `/serverless/${found.id}`, body);
  }

  async remove({ id }: FoundResource): Promise<void> {
    await this.management.send("delete endpoint", "DELETE", `/serverless/${id}`);
  }

  async drain({ id }: FoundResource): Promise<void> {
    const body = { workers: { min: 0, max: 0 } };
    await this.management.send("drain endpoint", "PATCH", `/serverless/${id}`, body);
  }

  async running({ id }: FoundResource): Promise<number> {
    const reply = await this.management.send("list workers", "GET", `/serverless/${id}/workers`);
    return listIn(reply).filter(({ status }) => status === "RUNNING").length;
  }
}

/** Lists come wrapped, each under a word of its own. */
function listIn(reply: object | undefined): readonly JsonObject[] {
  const values: readonly JsonValue[] = Object.values(reply ?? {});
  const list: readonly JsonValue[] = values.find((value) => Array.isArray(value)) ?? [];
  return list.filter(isJsonObject);
}

function foundOf(fields: JsonObject): FoundResource {
  const { id, name, env } = fields;
  const mark = isJsonObject(env) ? env[runpodMarks.deployment] : undefined;
  return {
    kind: "endpoint",
    name: textIn(name),
    id: textIn(id),
    deployment: typeof mark === "string" ? mark : null,
    fields,
  };
}
