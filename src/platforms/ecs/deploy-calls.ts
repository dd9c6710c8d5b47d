import type * as Sdk from "@aws-sdk/client-ecs";
import type { ECSClient, ECSClientConfig, Tag } from "@aws-sdk/client-ecs";

import { deploymentMark, type FoundResource } from "../../deploy/plan/resource.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";
import { failureOf } from "./map.ts";

type Run<T> = (sdk: typeof Sdk, client: ECSClient, signal: AbortSignal) => Promise<T>;

/** Calls about what tasks run on: bounded, and undefined for what is not there. */
export class EcsCalls {
  readonly patience: CallPatience;
  private readonly sdk: typeof Sdk;
  private readonly client: ECSClient;

  constructor(sdk: typeof Sdk, config: ECSClientConfig, patience: CallPatience) {
    this.sdk = sdk;
    this.client = new sdk.ECSClient({ ...config, maxAttempts: 1 });
    this.patience = patience;
  }

  /** Names make each of these safe to send again; a task definition would gain a revision more. */
  call<T>(operation: string, run: Run<T>): Promise<T | undefined> {
    return callPlatform(
      {
        what: `ECS ${operation}`,
        run: (signal) => run(this.sdk, this.client, signal),
        failureOf: (thrown): CallFailure =>
          isMissing(thrown) ? { kind: "missing" } : failureOf(thrown, this.patience.clock.now()),
        isIdempotent: operation !== "RegisterTaskDefinition",
      },
      this.patience,
    );
  }

  async send(operation: string, run: Run<unknown>): Promise<void> {
    await this.call(operation, run);
  }

  close(): void {
    this.client.destroy();
  }
}

function isMissing(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return (
    thrown.name === "ClusterNotFoundException" ||
    /unable to describe task definition|does not exist|not found/iu.test(thrown.message)
  );
}

export function foundOf(
  kind: string,
  name: string,
  id: string | undefined,
  tags: readonly Tag[] | undefined,
  described: object,
): FoundResource {
  const mark = tags?.find(({ key }) => key === deploymentMark)?.value;
  // Dates become text, as on the wire.
  const fields = JSON.parse(JSON.stringify(described)) as JsonObject;
  return { kind, name, id: id ?? name, deployment: mark ?? null, fields };
}
