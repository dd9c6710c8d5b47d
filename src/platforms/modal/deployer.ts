import type { ModalClient as Sdk } from "modal";

import { deploymentMark, type FoundResource, type Resource } from "../../deploy/plan/resource.ts";
import { modalFunction } from "../../deploy/manifests/modal.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { callPlatform, type CallPatience } from "../calls.ts";
import type { Deployer } from "../deployer.ts";
import { untilGone } from "../until-gone.ts";
import { openSdk, type ModalAccess } from "./client.ts";
import { failureOf } from "./map.ts";
import { deployProgram, type ModalProgram } from "./program.ts";

/** Of `AppStopSource`: somebody's command line. */
const stoppedByCommand = 1;

export interface ModalDeployOptions {
  readonly access: ModalAccess;
  /** Null: the one of the profile. */
  readonly environment: string | null;
  readonly program: ModalProgram;
  readonly patience: CallPatience;
}

/** The app of a deployment, deployed by Modal's Python program and read by its client. */
export class ModalDeployer implements Deployer {
  private readonly sdk: Sdk;
  private readonly options: ModalDeployOptions;

  private constructor(sdk: Sdk, options: ModalDeployOptions) {
    this.sdk = sdk;
    this.options = options;
  }

  static async open(options: ModalDeployOptions): Promise<ModalDeployer> {
    return new ModalDeployer(await openSdk(options.access, options.environment), options);
  }

  async read(deployment: string): Promise<readonly FoundResource[]> {
    const appId = await this.appId(deployment);
    if (appId === "") return [];
    const { tags } = (await this.call("read tags", () =>
      this.sdk.cpClient.appGetTags({ appId }),
    )) ?? { tags: {} };
    const autoscaler = await this.autoscaler(deployment);
    const fields: JsonObject = { tags, ...(autoscaler !== undefined && { autoscaler }) };
    const mark = tags[deploymentMark] ?? null;
    return [{ kind: "app", name: deployment, id: appId, deployment: mark, fields }];
  }

  async create({ program, name }: Resource): Promise<void> {
    if (program === undefined) throw new Error(`the app ${name} has no program`);
    const { access, environment } = this.options;
    await deployProgram(program, { access, environment, ...this.options.program });
  }

  /** What was set by hand outlives a deploy of the same program, so it is set as well. */
  async update(resource: Resource, found: FoundResource): Promise<void> {
    const { fields, name } = resource;
    if (JSON.stringify(sorted(fields["tags"])) !== JSON.stringify(sorted(found.fields["tags"]))) {
      await this.create(resource);
    }
    const wanted = fields["autoscaler"] as Record<string, number>;
    await this.call("set autoscaler", async () => {
      const target = await this.sdk.functions.fromName(name, modalFunction);
      const {
        minContainers = 0,
        maxContainers = 0,
        bufferContainers = 0,
        scaledownWindow = 0,
      } = wanted;
      const scaledownWindowMs = scaledownWindow * 1_000;
      await target.updateAutoscaler({
        minContainers,
        maxContainers,
        bufferContainers,
        scaledownWindowMs,
      });
    });
  }

  async remove({ id, name }: FoundResource): Promise<void> {
    await this.call("stop app", () =>
      this.sdk.cpClient.appStop({ appId: id, source: stoppedByCommand }),
    );
    const isThere = async (): Promise<boolean> => (await this.appId(name)) === id;
    await untilGone(`The app ${name}`, isThere, this.options.patience);
  }

  async running({ id }: FoundResource): Promise<number> {
    const reply = await this.call("list apps", () =>
      this.sdk.cpClient.appList({ environmentName: this.options.environment ?? "" }),
    );
    return reply?.apps.find(({ appId }) => appId === id)?.nRunningTasks ?? 0;
  }

  close(): void {
    this.sdk.close();
  }

  private async appId(name: string): Promise<string> {
    const environmentName = this.options.environment ?? "";
    const reply = await this.call("find app", () =>
      this.sdk.cpClient.appGetByDeploymentName({ name, environmentName }),
    );
    return reply?.appId ?? "";
  }

  /** Undefined where the app lacks the function: somebody deployed another under the name. */
  private autoscaler(name: string): Promise<JsonObject | undefined> {
    return this.call("read autoscaler", async () => {
      const { functionId } = await this.sdk.functions.fromName(name, modalFunction);
      const reply = await this.sdk.cpClient.functionGetSchedulingParams({ functionId });
      const settings = reply.autoscalerConfiguration?.settings;
      return {
        minContainers: settings?.minContainers ?? 0,
        maxContainers: settings?.maxContainers ?? 0,
        bufferContainers: settings?.bufferContainers ?? 0,
        scaledownWindow: settings?.scaledownWindow ?? 0,
      };
    });
  }

  private call<T>(operation: string, run: () => Promise<T>): Promise<T | undefined> {
    const call = { what: `Modal ${operation}`, run, failureOf, isIdempotent: true };
    return callPlatform(call, this.options.patience);
  }
}

function sorted(tags: unknown): readonly (readonly [string, unknown])[] {
  return Object.entries(tags ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
