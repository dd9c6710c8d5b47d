import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { lambdaName } from "../../deploy/resources/lambda.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { JsonObject } from "../../kernel/json.ts";
import type { CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { ApiParts } from "./api-parts.ts";
import { LambdaCalls, type AwsAccess } from "./calls.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { HttpApi } from "./http-api.ts";

/** The function that is a deployment's gateway, the HTTP API before it, and what joins them. */
export class LambdaDeployer implements Deployer {
  private readonly calls: LambdaCalls;
  private readonly gateway: GatewayFunction;
  private readonly door: HttpApi;
  private readonly region: string;

  private constructor(calls: LambdaCalls, region: string) {
    this.calls = calls;
    this.gateway = new GatewayFunction(calls);
    this.door = new HttpApi(calls);
    this.region = region;
  }

  static async open(access: AwsAccess, patience: CallPatience): Promise<LambdaDeployer> {
    return new LambdaDeployer(await LambdaCalls.open(access, patience), access.region);
  }

  async read(deployment: string): Promise<readonly FoundResource[]> {
    const name = lambdaName(deployment);
    const found: FoundResource[] = [];
    const gateway = await this.gateway.read(name);
    const gatewayMark = markOf(gateway?.tags);
    if (gateway !== undefined) {
      const { arn: id, fields } = gateway;
      found.push({ kind: "function", name, id, deployment: gatewayMark, fields });
    }
    const api = await this.door.find(name, deployment);
    const apiId = api?.ApiId ?? "";
    if (api !== undefined) {
      const mark = markOf(api.Tags);
      const fields = JSON.parse(JSON.stringify(api)) as JsonObject;
      found.push({ kind: "API", name, id: apiId, deployment: mark, fields });
      found.push(...(await this.door.parts(name, apiId, mark)));
    }
    const permission =
      gateway === undefined ? undefined : await this.gateway.permission(name, apiId);
    if (permission !== undefined) {
      const fields = permission;
      found.push({ kind: "permission", name, id: name, deployment: gatewayMark, fields });
    }
    return found;
  }

  async create(resource: Resource): Promise<void> {
    const { kind, name } = resource;
    if (kind === "function") return this.gateway.create(resource);
    if (kind === "API") return this.door.create(resource);
    const { apiId, integrationId } = await this.ids(name);
    if (kind !== "permission") return this.parts(apiId).put(resource, integrationId);
    const { arn = "" } = (await this.gateway.read(name)) ?? {};
    const account = arn.split(":")[4] ?? "";
    const [, partition = "aws"] = arn.split(":");
    const source = `arn:${partition}:execute-api:${this.region}:${account}:${apiId}/*`;
    return this.gateway.allow(resource, source);
  }

  async update(resource: Resource, found: FoundResource): Promise<void> {
    const { kind, name } = resource;
    if (kind === "function") return this.gateway.update(resource, found);
    if (kind === "API") {
      const arn = `arn:aws:apigateway:${this.region}::/apis/${found.id}`;
      return this.door.tag(arn, resource, found);
    }
    if (kind === "permission") {
      await this.remove(found);
      return this.create(resource);
    }
    const { apiId, integrationId } = await this.ids(name);
    return this.parts(apiId).put(resource, integrationId, found);
  }

  async remove(found: FoundResource): Promise<void> {
    const { kind, name, id } = found;
    if (kind === "function") return this.gateway.remove(name);
    if (kind === "permission") return this.gateway.disallow(name);
    if (kind === "API") return this.door.remove(id);
    const { apiId } = await this.ids(name);
    return this.parts(apiId).remove(found);
  }

  close(): void {
    this.calls.close();
  }

  private parts(apiId: string): ApiParts {
    return new ApiParts(this.calls, apiId);
  }

  private async ids(name: string): Promise<{ apiId: string; integrationId: string }> {
    const deployment = name.slice(0, -lambdaName("").length);
    const { ApiId: apiId } = (await this.door.find(name, deployment)) ?? {};
    if (apiId === undefined) {
      const message = `The API ${name} has gone meanwhile; run the command again.`;
      throw new HearthError("service_unavailable", { message });
    }
    const parts = await this.door.parts(name, apiId, deployment);
    return { apiId, integrationId: parts.find(({ kind }) => kind === "integration")?.id ?? "" };
  }
}

function markOf(tags: Readonly<Record<string, string>> | undefined): string | null {
  return tags?.[deploymentMark] ?? null;
}
