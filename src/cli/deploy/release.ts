import { resolve } from "node:path";

import type { Catalogue } from "../../catalogue/catalogue.ts";
import { releaseDefaults } from "./defaults.ts";
import { deployReleaseOf } from "./stored.ts";
import { releaseContentSchema, targetOf, type ReleaseContent } from "../../deploy/plan/release.ts";
import type { DeployTarget, Resource } from "../../deploy/plan/resource.ts";
import type { JsonValue } from "../../kernel/json.ts";
import type { Store } from "../../store/store.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { readLockFile } from "../lock-file.ts";
import { checkPlace, deployPlatform } from "./targets.ts";

/** What a command line may say of a release; what it does not say stays as it is live. */
export interface ReleaseFlags {
  readonly to: string;
  readonly name: string;
  readonly deployment?: string;
  readonly image?: string;
  readonly gateway?: string;
  readonly gpu?: string;
  readonly region?: string;
  readonly min?: number;
  readonly max?: number;
  readonly cpu?: number;
  readonly memory?: number;
  /** Milliseconds. */
  readonly grace?: number;
  readonly place?: Readonly<Record<string, string>>;
  readonly lock?: string;
}

const defaults = { ...releaseDefaults, place: {}, lock: null };

/** The release that the flags ask for, over the live one. Errors: `usage` naming the flag. */
export async function releaseOf(
  context: CommandContext,
  store: Store,
  flags: ReleaseFlags,
): Promise<ReleaseContent> {
  const live = await deployReleaseOf(store, flags.to, flags.name);
  const { to: platform, name } = flags;
  const merged = { ...defaults, ...live, ...(await fromFlags(context, flags)), platform, name };
  const parsed = releaseContentSchema.safeParse(merged);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = String(issue?.path[0] ?? "release");
    const flag = flagOf[field] ?? `--${field}`;
    const isMissing = (merged as Record<string, unknown>)[field] === undefined;
    const reason = isMissing ? "the first release needs it" : (issue?.message ?? "it is not valid");
    throw new CliFailure("usage", `${flag}: ${reason}.`);
  }
  if (parsed.data.minWorkers > parsed.data.maxWorkers) {
    throw new CliFailure("usage", "--min must not be more than --max.");
  }
  checkPlace(platform, parsed.data.place);
  return parsed.data;
}

const flagOf: Readonly<Record<string, string>> = {
  gatewayUrl: "--gateway",
  minWorkers: "--min",
  maxWorkers: "--max",
  cpuCores: "--cpu",
  memoryGib: "--memory",
  graceSeconds: "--grace",
};

async function fromFlags(
  { io }: CommandContext,
  flags: ReleaseFlags,
): Promise<Partial<ReleaseContent>> {
  const { deployment, image, gateway, gpu, region, min, max, cpu, memory, grace, place } = flags;
  const said = {
    deployment,
    image,
    gpu,
    region,
    place,
    gatewayUrl: gateway?.replace(/\/+$/u, ""),
    minWorkers: min,
    maxWorkers: max,
    cpuCores: cpu,
    memoryGib: memory,
    graceSeconds: grace === undefined ? undefined : Math.ceil(grace / 1_000),
    lock:
      flags.lock === undefined ? undefined : await lockedRelease(resolve(io.folder, flags.lock)),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** What a lock says that workers are to have. */
async function lockedRelease(path: string): Promise<Record<string, JsonValue>> {
  const { models, deployment } = await readLockFile(path);
  // Absent fields have no place in what a digest is made of.
  const plain = { models, warmup: deployment.warmup };
  return JSON.parse(JSON.stringify(plain)) as Record<string, JsonValue>;
}

/** What is to be there. Errors: `usage` where the platform does not have what is asked for. */
export function wantedOf(
  content: ReleaseContent,
  { gpuById }: Catalogue,
): { readonly target: DeployTarget; readonly resources: readonly Resource[] } {
  const gpu = gpuById.get(content.gpu);
  if (gpu === undefined) {
    const known = [...gpuById.keys()].join(", ");
    throw new CliFailure("usage", `There is no GPU ${content.gpu}; there are ${known}.`);
  }
  const target = targetOf(content, gpu);
  const wanted = deployPlatform(content.platform).wanted(target);
  if (!wanted.ok) throw new CliFailure("usage", wanted.reason);
  return { target, resources: wanted.resources };
}
