import type { IntegrationType } from "@aws-sdk/client-apigatewayv2";

import type { FoundResource, Resource } from "../../deploy/plan/resource.ts";
import { defaultKey } from "../../deploy/resources/lambda.ts";
import { textIn } from "../../kernel/json.ts";
import type { LambdaCalls } from "./calls.ts";

/** Integration, route and stage of an API. What is made twice by a lost answer AWS refuses itself. */
export class ApiParts {
  private readonly calls: LambdaCalls;
  private readonly ApiId: string;

  constructor(calls: LambdaCalls, apiId: string) {
    this.calls = calls;
    this.ApiId = apiId;
  }

  /** `integrationId`: of the integration that is there. `found`: what is to be changed. */
  async put(resource: Resource, integrationId: string, found?: FoundResource): Promise<void> {
    if (resource.kind === "integration") return this.putIntegration(resource, found);
    if (resource.kind === "route") return this.putRoute(`integrations/${integrationId}`, found);
    return this.putStage(found);
  }

  async remove({ kind, id }: FoundResource): Promise<void> {
    const { ApiId } = this;
    const { apiSdk: sdk, api } = this.calls;
    if (kind === "integration") {
      await this.calls.call("DeleteIntegration", (abortSignal) =>
        api.send(new sdk.DeleteIntegrationCommand({ ApiId, IntegrationId: id }), { abortSignal }),
      );
    } else if (kind === "route") {
      await this.calls.call("DeleteRoute", (abortSignal) =>
        api.send(new sdk.DeleteRouteCommand({ ApiId, RouteId: id }), { abortSignal }),
      );
    } else {
      await this.calls.call("DeleteStage", (abortSignal) =>
        api.send(new sdk.DeleteStageCommand({ ApiId, StageName: id }), { abortSignal }),
      );
    }
  }

  private async putIntegration({ fields }: Resource, found?: FoundResource): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    const input = {
      ApiId: this.ApiId,
      IntegrationType: textIn(fields["IntegrationType"]) as IntegrationType,
      IntegrationUri: textIn(fields["IntegrationUri"]),
      PayloadFormatVersion: textIn(fields["PayloadFormatVersion"]),
    };
    if (found !== undefined) {
      const change = { ...input, IntegrationId: found.id };
      await this.calls.call("UpdateIntegration", (abortSignal) =>
        api.send(new sdk.UpdateIntegrationCommand(change), { abortSignal }),
      );
      return;
    }
    await this.calls.call(
      "CreateIntegration",
      (abortSignal) => api.send(new sdk.CreateIntegrationCommand(input), { abortSignal }),
      false,
    );
  }

  private async putRoute(Target: string, found?: FoundResource): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    const input = { ApiId: this.ApiId, RouteKey: defaultKey, Target };
    await this.calls.call("put route", async (abortSignal) => {
      if (found === undefined) await api.send(new sdk.CreateRouteCommand(input), { abortSignal });
      else {
        const change = new sdk.UpdateRouteCommand({ ...input, RouteId: found.id });
        await api.send(change, { abortSignal });
      }
    });
  }

  private async putStage(found?: FoundResource): Promise<void> {
    const { apiSdk: sdk, api } = this.calls;
    const input = { ApiId: this.ApiId, StageName: defaultKey, AutoDeploy: true };
    await this.calls.call("put stage", async (abortSignal) => {
      if (found === undefined) await api.send(new sdk.CreateStageCommand(input), { abortSignal });
      else await api.send(new sdk.UpdateStageCommand(input), { abortSignal });
    });
  }
}
