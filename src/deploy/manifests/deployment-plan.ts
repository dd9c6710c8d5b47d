import type { Gpu } from "../../catalogue/schema.ts";

/** What is to run where, the same for every platform. */
export interface DeploymentPlan {
  /** Lower-case letters, digits and `-`: what the resources are called. */
  readonly name: string;
  /** Whose jobs the workers run. */
  readonly deployment: string;
  /** With a tag or digest, from `hearth build`. */
  readonly image: string;
  readonly gatewayUrl: string;
  readonly gpu: Gpu;
  readonly region: string;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly cpuCores: number;
  readonly memoryGib: number;
  /** From SIGTERM to SIGKILL: as long as a job may take to finish. */
  readonly graceSeconds: number;
}

/** A file of a rendered deployment, relative to its folder. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

/** Everything for one platform, or a sentence on why it cannot be. */
export type Rendered =
  | { readonly ok: true; readonly files: readonly RenderedFile[] }
  | { readonly ok: false; readonly reason: string };

/** Where the standing token of `hearth workers token create` is kept, never in a manifest. */
export const tokenSecret = "hearth-worker-token";

/** Environment that every worker gets; the token comes from a secret. */
export const workerToken = "HEARTH_ENROLLMENT_TOKEN";
