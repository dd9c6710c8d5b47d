import type { ModalClient as Sdk } from "modal";

import { HearthError } from "../../kernel/errors.ts";
import { callPlatform, type CallFailure, type CallPatience } from "../calls.ts";
import { workerEnvironment } from "../environment.ts";
import type { LaunchSpec } from "../platform.ts";
import {
  failureOf,
  isStillRunning,
  type ModalAutoscaler,
  type ModalPlace,
  type ModalSettings,
} from "./map.ts";

/** Modal's client takes its server from `MODAL_SERVER_URL` and nowhere else. */
export interface ModalAccess {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

type ModalFunction = Awaited<ReturnType<Sdk["functions"]["fromName"]>>;

const timeoutMs = 15_000;

/** Modal's own client. `environment` null: the one of the profile. */
export async function openSdk(
  { tokenId, tokenSecret }: ModalAccess,
  environment: string | null,
): Promise<Sdk> {
  const { ModalClient: Client } = await import("modal");
  return new Client({
    tokenId,
    tokenSecret,
    timeoutMs,
    // Throttling is waited for here, so that a pass of the control loop stays bounded.
    maxThrottleWaitSecs: 0,
    ...(environment !== null && { environment }),
  });
}

/** The calls that we need of Modal's client, which is loaded only here. */
export class ModalClient {
  private readonly sdk: Sdk;
  private readonly place: ModalPlace;
  private readonly patience: CallPatience;

  private constructor(sdk: Sdk, place: ModalPlace, patience: CallPatience) {
    this.sdk = sdk;
    this.place = place;
    this.patience = patience;
  }

  static async open(
    access: ModalAccess,
    place: ModalPlace,
    patience: CallPatience,
  ): Promise<ModalClient> {
    return new ModalClient(await openSdk(access, place.environment), place, patience);
  }

  /** Returns the call's id. The client itself repeats a lost request under one idempotency key. */
  spawn(spec: LaunchSpec): Promise<string> {
    return this.onFunction("spawn", false, async (target) => {
      const call = await target.spawn([{ environment: workerEnvironment(spec) }]);
      return call.functionCallId;
    });
  }

  /** Whether a call has not ended; false for calls that Modal does not know any more. */
  async isLive(callId: string): Promise<boolean> {
    const isLive = await this.call("get call", true, async () => {
      const call = await this.sdk.functionCalls.fromId(callId);
      try {
        await call.get({ timeoutMs: 0 });
        return false;
      } catch (thrown) {
        if (isStillRunning(thrown)) return true;
        // Anything that is not about the request is how the call itself ended.
        const { kind } = failureOf(thrown);
        if (kind === "unreachable" && isOutcome(thrown)) return false;
        throw thrown;
      }
    });
    return isLive ?? false;
  }

  async cancel(callId: string): Promise<void> {
    await this.call("cancel call", true, async () => {
      const call = await this.sdk.functionCalls.fromId(callId);
      await call.cancel({ terminateContainers: false });
    });
  }

  settings(): Promise<ModalSettings> {
    return this.onFunction("read autoscaler", true, async ({ functionId }) => {
      const reply = await this.sdk.cpClient.functionGetSchedulingParams({ functionId });
      return reply.autoscalerConfiguration?.settings ?? {};
    });
  }

  async setAutoscaler(autoscaler: ModalAutoscaler): Promise<void> {
    await this.onFunction("set autoscaler", true, (target) => target.updateAutoscaler(autoscaler));
  }

  close(): void {
    this.sdk.close();
  }

  private async onFunction<T>(
    operation: string,
    isIdempotent: boolean,
    run: (target: ModalFunction) => Promise<T>,
  ): Promise<T> {
    const { app, function: name } = this.place;
    const found = await this.call(operation, isIdempotent, async () => ({
      value: await run(await this.sdk.functions.fromName(app, name)),
    }));
    if (found !== undefined) return found.value;
    const message = `Modal ${operation}: there is no function ${app}/${name}; deploy it first.`;
    throw new HearthError("platform_refused", { message });
  }

  private call<T>(
    operation: string,
    isIdempotent: boolean,
    run: () => Promise<T>,
  ): Promise<T | undefined> {
    return callPlatform(
      {
        what: `Modal ${operation}`,
        run,
        failureOf: (thrown): CallFailure => failureOf(thrown),
        isIdempotent,
      },
      this.patience,
    );
  }
}

const outcomes = new Set([
  "RemoteError",
  "FunctionTimeoutError",
  "InternalFailure",
  "ExecutionError",
]);

function isOutcome(thrown: unknown): boolean {
  return thrown instanceof Error && outcomes.has(thrown.name);
}
