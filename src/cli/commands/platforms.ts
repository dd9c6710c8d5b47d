import type { PlatformSettings } from "../../config/platform-settings.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import type { Platform, PlatformCapabilities } from "../../platforms/platform.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { openPlatform } from "../platforms/open.ts";
import { formatTable } from "../table.ts";

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly gpu: string | null;
  readonly region: string | null;
  readonly isSpot: boolean;
  readonly capabilities: PlatformCapabilities | null;
  /** Why it could not be opened or asked; null: it answers, or was not asked. */
  readonly problem: string | null;
}

/** `hearth platforms ls`: what is configured, and what it cannot do, with reasons. */
export async function listPlatforms(context: CommandContext): Promise<void> {
  const rows = await inspect(context, async () => undefined);
  const table = formatTable(rows, [
    { title: "NAME", text: ({ name }) => name },
    { title: "KIND", text: ({ kind }) => kind },
    { title: "GPU", text: ({ gpu }) => gpu ?? "" },
    { title: "REGION", text: ({ region }) => region ?? "" },
    { title: "PRICE", text: ({ isSpot }) => (isSpot ? "spot" : "on demand") },
    { title: "PROBLEM", text: ({ problem }) => problem ?? "" },
  ]);
  const lacks = rows.flatMap(({ name, capabilities }) => lacksOf(name, capabilities));
  context.output.result(rows, [table, ...lacks].join("\n"));
}

/** `hearth platforms check`: asks each something harmless. Exit 1 where one does not answer. */
export async function checkPlatforms(context: CommandContext): Promise<void> {
  const rows = await inspect(context, async (platform) => {
    if (platform.check !== undefined) await platform.check();
    else await platform.list([]);
  });
  const table = formatTable(rows, [
    { title: "NAME", text: ({ name }) => name },
    { title: "KIND", text: ({ kind }) => kind },
    { title: "STATE", text: ({ problem }) => (problem === null ? "answers" : "FAILED") },
    { title: "PROBLEM", text: ({ problem }) => problem ?? "" },
  ]);
  const failed = rows.filter(({ problem }) => problem !== null).map(({ name }) => name);
  if (failed.length === 0) return context.output.result(rows, table);
  if (!context.output.isJson) context.output.result(rows, table);
  const message = `These platforms do not answer: ${failed.join(", ")}.`;
  throw new CliFailure("checks_failed", message, { details: { platforms: rows } });
}

async function inspect(
  context: CommandContext,
  ask: (platform: Platform) => Promise<void>,
): Promise<readonly Row[]> {
  const { platforms } = await settingsOf(context);
  const entries = Object.entries(platforms);
  if (entries.length === 0) {
    context.output.note('no platforms are configured; see "platforms" in docs/platforms/README.md');
  }
  return Promise.all(entries.map(([name, settings]) => look(context, name, settings, ask)));
}

async function look(
  { io }: CommandContext,
  name: string,
  settings: PlatformSettings,
  ask: (platform: Platform) => Promise<void>,
): Promise<Row> {
  const { kind, gpu, region, isSpot } = settings;
  const base = { name, kind, gpu, region, isSpot };
  let platform: Platform | undefined;
  try {
    platform = await openPlatform(name, settings, io.environment);
    await ask(platform);
    return { ...base, capabilities: platform.capabilities, problem: null };
  } catch (thrown) {
    const problem = thrown instanceof HearthError ? thrown.message : errorMessage(thrown);
    return { ...base, capabilities: platform?.capabilities ?? null, problem };
  } finally {
    platform?.close?.();
  }
}

function lacksOf(name: string, capabilities: PlatformCapabilities | null): readonly string[] {
  return Object.values(capabilities ?? {}).flatMap((capability) =>
    capability.supported ? [] : [`${name}: ${capability.reason}`],
  );
}
