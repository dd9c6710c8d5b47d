import type { CreateFunctionCommandInput } from "@aws-sdk/client-lambda";

import type { FoundResource, Resource } from "../../deploy/plan/resource.ts";
import { permissionId, sameNamed } from "../../deploy/resources/lambda.ts";
import { isJsonObject, parseJson, textIn, type JsonObject } from "../../kernel/json.ts";
import { untilGone } from "../until-gone.ts";
import type { LambdaCalls } from "./calls.ts";

/** What is found of the function. */
export interface FoundFunction {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: JsonObject;
}

/** The function that is the gateway, and who may call it. */
export class GatewayFunction {
  private readonly calls: LambdaCalls;

  constructor(calls: LambdaCalls) {
    this.calls = calls;
  }

  async read(name: string): Promise<FoundFunction | undefined> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const reply = await this.calls.call("GetFunction", (abortSignal) =>
      lambda.send(new sdk.GetFunctionCommand({ FunctionName: name }), { abortSignal }),
    );
    const { Configuration: found, Code, Tags = {} } = reply ?? {};
    if (found === undefined) return undefined;
    const { FunctionName, Role, PackageType, Timeout, MemorySize, Environment } = found;
    const settings = { FunctionName, Role, PackageType, Timeout, MemorySize, Environment };
    const fields = { ...settings, ImageUri: Code?.ImageUri, Tags };
    return { arn: found.FunctionArn ?? "", tags: Tags, fields: plain(fields) };
  }

  async create({ fields }: Resource): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const { ImageUri, ...rest } = fields;
    const input = { ...rest, Code: { ImageUri } } as unknown as CreateFunctionCommandInput;
    await this.calls.call("CreateFunction", (abortSignal) =>
      lambda.send(new sdk.CreateFunctionCommand(input), { abortSignal }).catch(unlessThere),
    );
    await this.settled(textIn(fields["FunctionName"]));
  }

  async update({ name, fields }: Resource, found: FoundResource): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const { ImageUri, Tags, PackageType: _, ...configuration } = fields;
    const image = textIn(ImageUri);
    if (image !== found.fields["ImageUri"]) {
      await this.calls.call("UpdateFunctionCode", (abortSignal) =>
        lambda.send(new sdk.UpdateFunctionCodeCommand({ FunctionName: name, ImageUri: image }), {
          abortSignal,
        }),
      );
      await this.settled(name);
    }
    const input = { ...configuration, FunctionName: name };
    await this.calls.call("UpdateFunctionConfiguration", (abortSignal) =>
      lambda.send(new sdk.UpdateFunctionConfigurationCommand(input), { abortSignal }),
    );
    await this.settled(name);
    await this.tag(found, Tags as Readonly<Record<string, string>>);
  }

  async remove(name: string): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    await this.calls.call("DeleteFunction", (abortSignal) =>
      lambda.send(new sdk.DeleteFunctionCommand({ FunctionName: name }), { abortSignal }),
    );
  }

  /** Undefined where the API may not call the function. */
  async permission(name: string, apiId: string): Promise<JsonObject | undefined> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const reply = await this.calls.call("GetPolicy", (abortSignal) =>
      lambda.send(new sdk.GetPolicyCommand({ FunctionName: name }), { abortSignal }),
    );
    const statement = statementsIn(reply?.Policy ?? "{}").find(({ Sid }) => Sid === permissionId);
    if (statement === undefined) return undefined;
    const { Action = null, Principal, Condition } = statement;
    const service = isJsonObject(Principal) ? Principal["Service"] : Principal;
    const isSame = JSON.stringify(Condition ?? {}).includes(`:${apiId}/*`);
    return {
      StatementId: permissionId,
      Action,
      Principal: textIn(service),
      Source: isSame ? sameNamed.api : "another",
    };
  }

  async allow({ name, fields }: Resource, sourceArn: string): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const input = {
      FunctionName: name,
      StatementId: permissionId,
      Action: textIn(fields["Action"]),
      Principal: textIn(fields["Principal"]),
      SourceArn: sourceArn,
    };
    await this.calls.call("AddPermission", (abortSignal) =>
      lambda.send(new sdk.AddPermissionCommand(input), { abortSignal }).catch(unlessThere),
    );
  }

  async disallow(name: string): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const input = { FunctionName: name, StatementId: permissionId };
    await this.calls.call("RemovePermission", (abortSignal) =>
      lambda.send(new sdk.RemovePermissionCommand(input), { abortSignal }),
    );
  }

  private async tag(found: FoundResource, tags: Readonly<Record<string, string>>): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const there = found.fields["Tags"];
    const surplus = Object.keys(isJsonObject(there) ? there : {}).filter((key) => !(key in tags));
    const Resource = found.id;
    await this.calls.call("TagResource", (abortSignal) =>
      lambda.send(new sdk.TagResourceCommand({ Resource, Tags: { ...tags } }), { abortSignal }),
    );
    if (surplus.length === 0) return;
    await this.calls.call("UntagResource", (abortSignal) =>
      lambda.send(new sdk.UntagResourceCommand({ Resource, TagKeys: surplus }), { abortSignal }),
    );
  }

  /** The next change is refused until the last one has taken effect. */
  private settled(name: string): Promise<void> {
    const { lambdaSdk: sdk, lambda } = this.calls;
    const isChanging = async (): Promise<boolean> => {
      const reply = await this.calls.call("GetFunctionConfiguration", (abortSignal) =>
        lambda.send(new sdk.GetFunctionConfigurationCommand({ FunctionName: name }), {
          abortSignal,
        }),
      );
      return reply?.State === "Pending" || reply?.LastUpdateStatus === "InProgress";
    };
    return untilGone(`The change of ${name}`, isChanging, this.calls.patience);
  }
}

/** What an earlier request made, whose answer was lost, is there; looking again shows what differs. */
function unlessThere(thrown: unknown): undefined {
  const isThere = thrown instanceof Error && thrown.name === "ResourceConflictException";
  if (!isThere) throw thrown;
  return undefined;
}

function statementsIn(policy: string): readonly JsonObject[] {
  const parsed = parseJson(policy, { maxDepth: 20 });
  const statements =
    parsed.ok && isJsonObject(parsed.value) ? (parsed.value["Statement"] ?? []) : [];
  return Array.isArray(statements) ? statements.filter(isJsonObject) : [];
}

function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
