import {
  ApiGatewayV2Client,
  GetApisCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStagesCommand,
  UpdateIntegrationCommand,
} from "@aws-sdk/client-apigatewayv2";
import {
  GetPolicyCommand,
  LambdaClient,
  ListFunctionsCommand,
  ListTagsCommand,
  TagResourceCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";

import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { lambdaResources } from "../../src/deploy/resources/lambda.ts";
import { LambdaDeployer } from "../../src/platforms/lambda/deployer.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { askWithBoto, startMoto } from "../moto/server.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";

const region = "us-east-1";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
/** Moto's own. */
const account = "123456789012";
const makeRole =
  'print(client.create_role(RoleName="gateway", AssumeRolePolicyDocument="{}")["Role"]["Arn"])';
const name = "portraits-gateway";

/** Passes a request on to the AWS that others wrote. */
async function forward(url: string, request: FakeRequest): Promise<FakeReply> {
  const { method, path, query, headers, body } = request;
  const text = query.toString();
  const { host: _, connection: __, "content-length": ___, ...rest } = headers;
  const reply = await fetch(`${url}${path}${text === "" ? "" : `?${text}`}`, {
    method,
    headers: rest as Record<string, string>,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answered = await reply.text();
  const fault = reply.headers.get("x-amzn-errortype");
  return {
    status: reply.status,
    ...(fault !== null && { headers: { "x-amzn-errortype": fault } }),
    ...(answered !== "" && { body: JSON.parse(answered) as unknown }),
  };
}

/** Lambda and API Gateway as moto has them, behind a line that may be cut. */
export async function openLambdaManagement(): Promise<FakeManagement> {
  const moto = await startMoto();
  const role = await askWithBoto(moto.url, "iam", makeRole);
  const gate = new Gate();
  const server = await serveBehind(gate, (request) => forward(moto.url, request));
  const access = { region, endpoint: moto.url, credentials };
  const functions = new LambdaClient(access);
  const apis = new ApiGatewayV2Client(access);
  return {
    url: server.url,
    gate,
    place: {
      role,
      bucket: "pictures",
      secret: `arn:aws:secretsmanager:${region}:${account}:secret:h`,
    },
    wanted: lambdaResources,
    open: (patience) => LambdaDeployer.open({ ...access, endpoint: server.url }, patience),
    drift: async () => {
      const FunctionName = name;
      const change = { FunctionName, Timeout: 3 };
      await functions.send(new UpdateFunctionConfigurationCommand(change));
      const Resource = `arn:aws:lambda:${region}:${account}:function:${name}`;
      await functions.send(new TagResourceCommand({ Resource, Tags: { owner: "somebody" } }));
      const { Items: [api] = [] } = await apis.send(new GetApisCommand({}));
      const ApiId = api?.ApiId;
      const { Items: [found] = [] } = await apis.send(new GetIntegrationsCommand({ ApiId }));
      const IntegrationUri = `${Resource}-other`;
      const { IntegrationId } = found ?? {};
      await apis.send(new UpdateIntegrationCommand({ ApiId, IntegrationId, IntegrationUri }));
      return ["Timeout: 3 -> 30", "Tags.owner", "IntegrationUri"];
    },
    markedCount: async () => {
      let count = 0;
      const { Functions = [] } = await functions.send(new ListFunctionsCommand({}));
      for (const { FunctionArn: Resource, FunctionName } of Functions) {
        const { Tags = {} } = await functions.send(new ListTagsCommand({ Resource }));
        if (!(releaseMark in Tags)) continue;
        count++;
        const policy = new GetPolicyCommand({ FunctionName });
        const isAllowed = await functions.send(policy).then(
          ({ Policy = "" }) => Policy.includes("apigateway"),
          () => false,
        );
        if (isAllowed) count++;
      }
      const { Items = [] } = await apis.send(new GetApisCommand({}));
      for (const { ApiId, Tags = {} } of Items) {
        if (!(releaseMark in Tags)) continue;
        count++;
        const parts = [
          await apis.send(new GetIntegrationsCommand({ ApiId })),
          await apis.send(new GetRoutesCommand({ ApiId })),
          await apis.send(new GetStagesCommand({ ApiId })),
        ];
        for (const part of parts) count += part.Items?.length ?? 0;
      }
      return count;
    },
    close: async () => {
      await server.close();
      moto.close();
      functions.destroy();
      apis.destroy();
    },
  };
}
