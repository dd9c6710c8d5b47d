import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { isJsonObject, parseJson } from "../../kernel/json.ts";

/** One process for good; `startedAt` is opaque and tells it from a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

export interface ProcessRecord extends ProcessIdentity {
  readonly instanceId: string;
  readonly specHash: string;
}

/** Notes which process runs an instance, for systems whose environments cannot be read. */
export class ProcessRecords {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async write(record: ProcessRecord): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const draft = `${this.pathOf(record.instanceId)}.new`;
    await writeFile(draft, JSON.stringify(record), { mode: 0o600 });
    await rename(draft, this.pathOf(record.instanceId));
  }

  async list(): Promise<readonly ProcessRecord[]> {
    const names = await readdir(this.folder).catch(() => []);
    const files = names.filter((name) => name.endsWith(".json"));
    const records = await Promise.all(files.map((name) => this.read(name)));
    return records.filter((record) => record !== undefined);
  }

  remove(instanceId: string): Promise<void> {
    return rm(this.pathOf(instanceId), { force: true });
  }

  private async read(name: string): Promise<ProcessRecord | undefined> {
    const text = await readFile(join(this.folder, name), "utf8").catch(() => "");
    return parseRecord(text);
  }

  private pathOf(instanceId: string): string {
    return join(this.folder, `${instanceId}.json`);
  }
}

function parseRecord(text: string): ProcessRecord | undefined {
  const parsed = parseJson(text, { maxDepth: 2 });
  if (!parsed.ok || !isJsonObject(parsed.value)) return undefined;
  const { pid, startedAt, instanceId, specHash } = parsed.value;
  if (typeof pid !== "number" || typeof startedAt !== "string") return undefined;
  if (typeof instanceId !== "string" || typeof specHash !== "string") return undefined;
  return { pid, startedAt, instanceId, specHash };
}
