import { freemem } from "node:os";

import { tiersOf } from "../../models/tiers.ts";
import type { Resident } from "../../protocol/worker-link.ts";
import type { Delivered } from "./deliver.ts";

/** What of the machine's free memory models are thought to keep in the page cache. */
const cacheShare = 0.8;
const maxResidents = 2_000;

/** Which models this worker has, and the fastest place of each. */
export class Residents {
  private readonly models = new Map<string, Delivered>();
  private readonly loaded = new Set<string>();
  private recent: readonly string[] = [];

  /** The model's file has just been read or written. */
  touched(key: string, delivered: Delivered): void {
    this.models.set(key, delivered);
    this.warmed(key);
  }

  /** It lies on the disk, who knows since when. */
  found(key: string, delivered: Delivered): void {
    if (!this.models.has(key)) this.models.set(key, delivered);
  }

  warmed(key: string): void {
    this.recent = [key, ...this.recent.filter((other) => other !== key)];
  }

  /** ComfyUI has run nodes that load these. */
  ran(keys: readonly string[]): void {
    for (const key of keys) {
      this.loaded.add(key);
      this.warmed(key);
    }
  }

  /** ComfyUI has freed its memory, or is another process. */
  freed(): void {
    this.loaded.clear();
  }

  /** Only these are still there. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.models.keys()) if (!keys.has(key)) this.models.delete(key);
  }

  /** A model whose file could be read ahead of its next use; undefined where that is no use. */
  coldPath(key: string): string | undefined {
    const tier = this.tiers().get(key);
    return tier === "disk" ? this.models.get(key)?.path : undefined;
  }

  list(): readonly Resident[] {
    const tiers = this.tiers();
    return [...this.models].slice(0, maxResidents).map(([model, { bytes, pinned }]) => ({
      model,
      bytes,
      tier: tiers.get(model) ?? "disk",
      pinned,
    }));
  }

  private tiers(): ReturnType<typeof tiersOf> {
    const bytes = new Map([...this.models].map(([key, delivered]) => [key, delivered.bytes]));
    const cacheBytes = freemem() * cacheShare;
    return tiersOf({ bytes, loaded: this.loaded, recent: this.recent, cacheBytes });
  }
}
