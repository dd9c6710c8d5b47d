import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type awsLambdaFastify from "@fastify/aws-lambda";

import { openFrontDoor, type FrontDoor } from "./front-door.ts";
import { withSecret } from "./secret.ts";

async function openWithSecret(): Promise<FrontDoor> {
  const environment = await withSecret(process.env);
  return openFrontDoor({ environment, folder: process.cwd() });
}

let opening: Promise<FrontDoor> | undefined;

/** What AWS Lambda calls; the gateway is opened by the first request of an instance. */
export async function handler(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<awsLambdaFastify.LambdaResponse> {
  // Connections stay open between requests; the reply must not wait for them.
  context.callbackWaitsForEmptyEventLoop = false;
  const door = await open();
  return door.handle(event, context);
}

function open(): Promise<FrontDoor> {
  opening ??= openWithSecret().catch((thrown: unknown) => {
    // What failed to open may open next time.
    opening = undefined;
    throw thrown;
  });
  return opening;
}
