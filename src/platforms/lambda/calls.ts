import type * as ApiSdk from "@aws-sdk/client-apigatewayv2";
import type { ApiGatewayV2Client } from "@aws-sdk/client-apigatewayv2";
import type * as LambdaSdk from "@aws-sdk/client-lambda";
import type { LambdaClient } from "@aws-sdk/client-lambda";

import { awsFailureOf } from "../aws-failures.ts";
import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";

/** Where AWS is; the same for both of its services. */
export interface AwsAccess {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Calls of the two services: bounded, and undefined for what is not there. */
export class LambdaCalls {
  readonly lambdaSdk: typeof LambdaSdk;
  readonly apiSdk: typeof ApiSdk;
  readonly lambda: LambdaClient;
  readonly api: ApiGatewayV2Client;
  readonly patience: CallPatience;

  private constructor(
    lambdaSdk: typeof LambdaSdk,
    apiSdk: typeof ApiSdk,
    access: AwsAccess,
    patience: CallPatience,
  ) {
    // One way of trying again, ours: the SDK's own would multiply with it.
    const config = { ...access, maxAttempts: 1 };
    this.lambdaSdk = lambdaSdk;
    this.apiSdk = apiSdk;
    this.lambda = new lambdaSdk.LambdaClient(config);
    this.api = new apiSdk.ApiGatewayV2Client(config);
    this.patience = patience;
  }

  static async open(access: AwsAccess, patience: CallPatience): Promise<LambdaCalls> {
    const lambdaSdk = await import("@aws-sdk/client-lambda");
    const apiSdk = await import("@aws-sdk/client-apigatewayv2");
    return new LambdaCalls(lambdaSdk, apiSdk, access, patience);
  }

  /** `isIdempotent`: sent again it would make no second one. */
  call<T>(
    operation: string,
    run: (signal: AbortSignal) => Promise<T>,
    isIdempotent = true,
  ): Promise<T | undefined> {
    return callPlatform(
      {
        what: `AWS ${operation}`,
        run,
        failureOf: (thrown) => failureOf(thrown, this.patience.clock.now()),
        isIdempotent,
      },
      this.patience,
    );
  }

  close(): void {
    this.lambda.destroy();
    this.api.destroy();
  }
}

function failureOf(thrown: unknown, nowMs: number): CallFailure {
  const name = thrown instanceof Error ? thrown.name : "";
  if (name === "ResourceNotFoundException" || name === "NotFoundException") {
    return { kind: "missing" };
  }
  // An update of the function is under way, or an earlier request has made what this one would.
  if (name === "ResourceConflictException") return { kind: "throttled", retryAfterMs: null };
  return awsFailureOf(thrown, nowMs);
}
