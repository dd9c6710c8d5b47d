import { scalingSettingsSchema } from "../../autoscaler/settings.ts";
import type { Settings } from "../../config/schema.ts";
import type { Store } from "../../store/store.ts";
import { CliFailure } from "../failure.ts";

/**
 * What is removed while the autoscaler may launch on it would fail launch after launch. Errors:
 * `usage` with the command that ends that.
 */
export async function refuseWhileScaled(
  store: Store,
  settings: Settings,
  { platform, deployment }: { readonly platform: string; readonly deployment: string },
): Promise<void> {
  const names = Object.entries(settings.platforms)
    .filter(([, { kind }]) => kind === platform)
    .map(([name]) => name);
  const scaled = (await store.scaling.list()).find((row) => row.deployment === deployment);
  if (scaled === undefined || names.length === 0) return;
  const parsed = scalingSettingsSchema.safeParse(scaled.settings);
  const used = (parsed.success ? parsed.data.platforms : undefined) ?? names;
  const still = names.filter((name) => used.includes(name));
  if (still.length === 0) return;
  throw new CliFailure(
    "usage",
    `${deployment} is scaled on ${still.join(", ")}: end that first with hearth scale set ${deployment} --off, or name the other platforms in its settings.`,
  );
}
