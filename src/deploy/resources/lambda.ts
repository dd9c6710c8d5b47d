import { gatewayMemoryMib, gatewayTimeoutSeconds } from "../manifests/lambda.ts";
import { marksOf, type DeployTarget, type Resource, type Wanted } from "../plan/resource.ts";

/** What the function and its API are called, by the deployment's name. */
export function lambdaName(deployment: string): string {
  return `${deployment}-gateway`;
}

/** The route that takes what no other does, and the stage without a path of its own. */
export const defaultKey = "$default";
/** Lets the API call the function. */
export const permissionId = "hearth-http-api";
/** Ids that AWS gives out stand in plans by what they name. */
export const sameNamed = { api: "the API", integration: "the integration" } as const;

/** The gateway as a function behind an HTTP API; the role, bucket and secret are the account's own. */
export function lambdaResources(target: DeployTarget): Wanted {
  const { plan, place } = target;
  const { role = "", bucket = "", secret = "" } = place;
  const account = /^arn:aws[a-z-]*:iam::(\d{12}):role\//u.exec(role)?.[1];
  if (account === undefined) return { ok: false, reason: "--place role=… must be a role's ARN." };
  const name = lambdaName(plan.name);
  const marks = marksOf(target);
  const functionArn = `arn:aws:lambda:${plan.region}:${account}:function:${name}`;
  const gateway: Resource = {
    kind: "function",
    name,
    fields: {
      FunctionName: name,
      Role: role,
      PackageType: "Image",
      ImageUri: plan.image,
      Timeout: gatewayTimeoutSeconds,
      MemorySize: gatewayMemoryMib,
      Environment: {
        Variables: {
          HEARTH_PUBLIC_URL: plan.gatewayUrl,
          HEARTH_S3_BUCKET: bucket,
          HEARTH_S3_REGION: plan.region,
          HEARTH_SECRET_ID: secret,
        },
      },
      Tags: marks,
    },
    closed: ["Tags", "Environment.Variables"],
    fixed: ["PackageType"],
  };
  return { ok: true, resources: [gateway, ...doorOf(name, functionArn, marks)] };
}

function doorOf(
  name: string,
  functionArn: string,
  marks: Readonly<Record<string, string>>,
): readonly Resource[] {
  return [
    {
      kind: "API",
      name,
      fields: { Name: name, ProtocolType: "HTTP", Tags: marks },
      closed: ["Tags"],
      fixed: ["ProtocolType"],
    },
    {
      kind: "integration",
      name,
      fields: {
        IntegrationType: "AWS_PROXY",
        IntegrationUri: functionArn,
        PayloadFormatVersion: "2.0",
      },
      fixed: ["IntegrationType"],
    },
    { kind: "route", name, fields: { RouteKey: defaultKey, Target: sameNamed.integration } },
    { kind: "stage", name, fields: { StageName: defaultKey, AutoDeploy: true } },
    {
      kind: "permission",
      name,
      fields: {
        StatementId: permissionId,
        Action: "lambda:InvokeFunction",
        Principal: "apigateway.amazonaws.com",
        Source: sameNamed.api,
      },
      fixed: ["Action", "Principal", "Source"],
    },
  ];
}
