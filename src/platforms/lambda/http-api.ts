import type { Api, ProtocolType } from "@aws-sdk/client-apigatewayv2";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { defaultKey, sameNamed } from "../../deploy/resources/lambda.ts";
import { isJsonObject, textIn, type JsonObject } from "../../kernel/json.ts";
import type { LambdaCalls } from "./calls.ts";

const maxPages = 50;
const pageSize = "100";

/** The HTTP API before the function, and its three parts. */
export class HttpApi {
  private readonly calls: LambdaCalls;

  constructor(calls: LambdaCalls) {
    this.calls = calls;
  }

  /** Several may have the same name: the deployment's own goes first. */
  async find(name: string, deployment: string): Promise<Api | undefined> {
    const { apiSdk: sdk, api } = this.calls;
    const named: Api[] = [];
    let NextToken: string | undefined;
    for (let page = 0; page < maxPages; page++) {
      const input = { MaxResults: pageSize, ...(NextToken !== undefined && { NextToken }) };
      const reply = await this.calls.call("GetApis", (abortSignal) =>
        api.send(new sdk.GetApisCommand(input), { abortSignal }),
      );
      named.push(...(reply?.Items ?? []).filter((each) => each.Name === name));
      NextToken = reply?.NextToken;
      if (NextToken === undefined) break;
    }
    return named.find(({ Tags }) => Tags?.[deploymentMark] === deployment) ?? named[0];
  }

  /** The parts that are there, each with its parent's mark. */
  async parts(name: string, ApiId: string, mark: string | null): Promise<readonly FoundResource[]> {
    const { apiSdk: sdk, api } = this.calls;
    const integrations = await this.calls.call("GetIntegrations", (abortSignal) =>
      api.send(new sdk.GetIntegrationsCommand({ ApiId }), { abortSignal }),
    );
    const routes = await this.calls.call("GetRoutes", (abortSignal) =>
      api.send(new sdk.GetRoutesCommand({ ApiId }), { abortSignal }),
    );
    const stage = await this.calls.call("GetStage", (abortSignal) =>
      api.send(new sdk.GetStageCommand({ ApiId, StageName: defaultKey }), { abortSignal }),
    );
    const integration = integrations?.Items?.[0];
    const route = routes?.Items?.find(({ RouteKey }) => RouteKey === defaultKey);
    const target = `integrations/${integration?.IntegrationId ?? ""}`;
    const found = (kind: string, id: string | undefined, fields: object): FoundResource => ({
      kind,
      name,
      id: id ?? "",
      deployment: mark,
      fields: JSON.parse(JSON.stringify(fields)) as JsonObject,
    });
    return [
      ...(integration ? [found("integration", integration.IntegrationId, integration)] : []),
      ...(route
        ? [
            found("route", route.RouteId, {
              ...route,
              ...(route.Target === target && { Target: sameNamed.integration }),
            }),
          ]
        : []),
      ...(stage ? [found("stage", defaultKey, { ...stage, $metadata: undefined })] : []),
    ];
  }

  async create({ name, fields }: Resource): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    const { ProtocolType, Tags } = fields;
    const input = {
      Name: name,
      ProtocolType: textIn(ProtocolType) as ProtocolType,
      Tags: textsIn(Tags),
    };
    // A second one of the same name would be made, so what became of it is looked at first.
    await this.calls.call(
      "CreateApi",
      (abortSignal) => api.send(new sdk.CreateApiCommand(input), { abortSignal }),
      false,
    );
  }

  async tag(arn: string, { fields }: Resource, found: FoundResource): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    const tags = textsIn(fields["Tags"]);
    const surplus = Object.keys(textsIn(found.fields["Tags"] ?? null)).filter(
      (key) => !(key in tags),
    );
    await this.calls.call("TagResource", (abortSignal) =>
      api.send(new sdk.TagResourceCommand({ ResourceArn: arn, Tags: tags }), { abortSignal }),
    );
    if (surplus.length === 0) return;
    await this.calls.call("UntagResource", (abortSignal) =>
      api.send(new sdk.UntagResourceCommand({ ResourceArn: arn, TagKeys: surplus }), {
        abortSignal,
      }),
    );
  }

  async remove(ApiId: string): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    await this.calls.call("DeleteApi", (abortSignal) =>
      api.send(new sdk.DeleteApiCommand({ ApiId }), { abortSignal }),
    );
  }
}

function textsIn(value: Resource["fields"][string] | undefined): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, textIn(each)]));
}
