import { resolve } from "node:path";

import { formatBytes } from "../../kernel/bytes.ts";
import { createLogger } from "../../observability/logger.ts";
import type { ModelStore } from "../../models/io/store.ts";
import type { NameRecord } from "../../models/io/names.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { readLockFile } from "../lock-file.ts";
import { openModels } from "../model-store.ts";
import { TransferBar } from "../progress-bar.ts";
import { formatTable } from "../table.ts";

/** `hearth models ls`: what this machine's store has. */
export async function listModels(context: CommandContext): Promise<void> {
  await withModels(context, async (store) => {
    const models = await store.list();
    const rows = models.map(({ model, sha256, bytes, pinned, from, links, lastUsedMs }) => {
      const lastUsedAt = new Date(lastUsedMs).toISOString();
      return { model, sha256, bytes, pinned, from, links, lastUsedAt };
    });
    const text = formatTable(rows, [
      { title: "MODEL", text: (row) => row.model },
      { title: "SIZE", text: (row) => formatBytes(row.bytes), align: "right" },
      { title: "PINNED", text: (row) => (row.pinned ? "yes" : "") },
      { title: "LAST USED", text: (row) => row.lastUsedAt.slice(0, 19) },
      { title: "SHA256", text: (row) => row.sha256.slice(0, 12) },
      { title: "FROM", text: (row) => row.from },
    ]);
    context.output.result(rows, text);
  });
}

export interface PullFlags {
  readonly from: readonly string[];
  readonly sha256: string | undefined;
  readonly lock: string | undefined;
  /** A ComfyUI `models` folder to place the files in. */
  readonly into: string | undefined;
}

/** `hearth models pull`: fetches a model, or all of a lock. */
export async function pullModels(
  context: CommandContext,
  model: string | undefined,
  flags: PullFlags,
): Promise<void> {
  const { io, output } = context;
  const files = await wantedFiles(context, model, flags);
  const into = flags.into === undefined ? undefined : resolve(io.folder, flags.into);
  const interrupts = listenForInterrupts();
  try {
    await withModels(context, async (store) => {
      const pulled: NameRecord[] = [];
      for (const file of files) {
        const record = await pull(context, store, file, interrupts.first);
        if (into !== undefined) await store.place(record, file, into);
        pulled.push(record);
        output.note(`${record.model}  ${formatBytes(record.bytes)}`);
      }
      output.result(pulled, pulled.map((record) => record.sha256).join("\n"));
    });
  } finally {
    interrupts.close();
  }
}

async function pull(
  { io }: CommandContext,
  store: ModelStore,
  file: ModelFile,
  signal: AbortSignal,
): Promise<NameRecord> {
  const bar = new TransferBar(io, modelKey(file));
  try {
    return await store.fetch(file, {
      signal,
      onProgress: (doneBytes, totalBytes) => bar.show(doneBytes, totalBytes),
    });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
    const message = `Stopped; what has arrived of ${modelKey(file)} is kept for the next time.`;
    throw new CliFailure("interrupted", message);
  } finally {
    bar.clear();
  }
}

async function wantedFiles(
  { io }: CommandContext,
  model: string | undefined,
  { from, sha256, lock }: PullFlags,
): Promise<readonly ModelFile[]> {
  const locked = lock === undefined ? [] : (await readLockFile(resolve(io.folder, lock))).models;
  if (model === undefined) {
    if (lock === undefined) throw new CliFailure("usage", "Name a model, or give --lock.");
    return locked;
  }
  const found = locked.find((file) => modelKey(file) === model);
  if (found !== undefined) return [found];
  const [, folder, filename] = /^([^/]+)\/(.+)$/u.exec(model) ?? [];
  if (folder === undefined || filename === undefined) {
    throw new CliFailure("usage", `"${model}" is no model; write folder/filename.`);
  }
  if (from.length === 0) throw new CliFailure("usage", `Say where ${model} is with --from.`);
  return [{ folder, filename, sha256: sha256 ?? null, bytes: null, sources: from }];
}

/** `hearth models pin` and `unpin`: a pinned model is never evicted. */
export async function pinModels(
  context: CommandContext,
  models: readonly string[],
  pinned: boolean,
): Promise<void> {
  await withModels(context, async (store) => {
    for (const model of models) if (!(await store.pin(model, pinned))) throw unknown(model);
    context.output.result({ models, pinned }, "");
  });
}

/** `hearth models verify`: reads files again and removes those whose bytes have changed. */
export async function verifyModels(
  context: CommandContext,
  models: readonly string[],
): Promise<void> {
  const { io, output } = context;
  await withModels(context, async (store) => {
    const all = await store.list();
    for (const model of models) if (!all.some((one) => one.model === model)) throw unknown(model);
    const chosen = models.length === 0 ? all : all.filter(({ model }) => models.includes(model));
    const rows: { readonly model: string; readonly state: string }[] = [];
    for (const [index, record] of chosen.entries()) {
      const bar = new TransferBar(io, `verifying ${record.model}`);
      bar.show(index, chosen.length);
      const state = await store.verify(record);
      bar.clear();
      rows.push({ model: record.model, state });
    }
    const damaged = rows.filter(({ state }) => state === "damaged");
    if (damaged.length > 0) {
      const message = `Damaged and removed: ${damaged.map(({ model }) => model).join(", ")}.`;
      const hint = "The next job or hearth models pull fetches them again.";
      throw new CliFailure("checks_failed", message, { hint, details: { models: rows } });
    }
    const text = formatTable(rows, [
      { title: "MODEL", text: (row) => row.model },
      { title: "STATE", text: (row) => row.state },
    ]);
    output.result(rows, text);
  });
}

/** `hearth models rm`. */
export async function removeModels(
  context: CommandContext,
  models: readonly string[],
): Promise<void> {
  await withModels(context, async (store) => {
    for (const model of models) if (!(await store.remove(model))) throw unknown(model);
    context.output.result({ models }, "");
  });
}

/** `hearth models gc`: down to the limits, and away with what no name leads to. */
export async function collectModels(context: CommandContext): Promise<void> {
  await withModels(context, async (store) => {
    const freedBytes = await store.collect();
    context.output.result({ freedBytes }, `${formatBytes(freedBytes)} freed`);
  });
}

async function withModels(
  context: CommandContext,
  task: (store: ModelStore) => Promise<void>,
): Promise<void> {
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "warn" });
  const models = await openModels(settings, context.io, logger);
  try {
    await task(models.store);
  } finally {
    await models.close();
  }
}

function unknown(model: string): CliFailure {
  const hint = "See hearth models ls.";
  return new CliFailure("usage", `There is no model ${model} in the store.`, { hint });
}
