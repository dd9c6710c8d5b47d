/**
 * From which key on the first jobs of each set (or class) are to be looked for. Claimed rows leave
 * dead entries at the low end of an index, just where every look would start; while a long
 * transaction holds them there, a look without a hint reads them all.
 *
 * A hint may only be too low. A job queued with a smaller key lowers it, also while a look that
 * has not seen it is under way.
 */
export class KeyHints {
  private readonly hints = new Map<number, Map<number, number>>();
  private readonly lowered = new Map<number, { key: number; at: number }>();
  private lowerings = 0;

  /** To be taken before a look and given to `learn` after it. */
  begin(): number {
    return this.lowerings;
  }

  /** The key from which to look for jobs of `of` that need up to so much VRAM. */
  from(of: number, vramBytes: number): number {
    return this.hints.get(of)?.get(vramBytes) ?? Number.NEGATIVE_INFINITY;
  }

  /** Something of this key is there, or may be. */
  lower(of: number, key: number): void {
    this.lowerings++;
    const floor = Math.min(key, this.lowered.get(of)?.key ?? key);
    this.lowered.set(of, { key: floor, at: this.lowerings });
    for (const [vramBytes, hint] of this.hints.get(of) ?? []) {
      if (hint > key) this.hints.get(of)?.set(vramBytes, key);
    }
  }

  /** A look that began at `since` found this key first, or nothing from its start on. */
  learn(of: number, vramBytes: number, firstKey: number | undefined, since: number): void {
    let key = firstKey ?? Number.POSITIVE_INFINITY;
    const lowered = this.lowered.get(of);
    if (lowered !== undefined && lowered.at > since) key = Math.min(key, lowered.key);
    else this.lowered.delete(of);
    const hints = this.hints.get(of) ?? new Map<number, number>();
    hints.set(vramBytes, key);
    this.hints.set(of, hints);
  }

  /** Forgets what is not among these: nothing is queued there any more. */
  keepOnly(known: ReadonlySet<number>): void {
    for (const of of this.hints.keys()) {
      if (!known.has(of) && !this.lowered.has(of)) this.hints.delete(of);
    }
  }
}
