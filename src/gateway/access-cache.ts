import type { Clock } from "../kernel/clock.ts";

interface Entry<V> {
  readonly value: V;
  readonly until: number;
}

/** A bounded memory of look-ups; a revoked key or changed deployment is noticed after `ttlMs`. */
export class AccessCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly clock: Clock;
  private readonly ttlMs: number;
  private readonly maxEntries: number;

  constructor(clock: Clock, ttlMs: number, maxEntries = 10_000) {
    this.clock = clock;
    this.ttlMs = ttlMs;
    this.maxEntries = maxEntries;
  }

  async get(key: string, load: () => Promise<V>): Promise<V> {
    const found = this.entries.get(key);
    const now = this.clock.now();
    if (found !== undefined && found.until > now) return found.value;
    const value = await load();
    this.entries.delete(key);
    this.entries.set(key, { value, until: now + this.ttlMs });
    if (this.entries.size > this.maxEntries) this.dropOldest();
    return value;
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  private dropOldest(): void {
    const [oldest] = this.entries.keys();
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}
