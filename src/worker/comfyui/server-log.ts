/**
 * How far a server's own log has been read. Its times are those of its clock and zone, so they are
 * compared with one another only; they sort as text.
 */
export class LogPlace {
  isUnavailable = false;
  private lastTime: string | undefined;

  /** The entries since the last call as one text; the first call only marks the place. */
  advance(entries: readonly { readonly t: string; readonly m: string }[]): string {
    const from = this.lastTime;
    this.lastTime = entries.at(-1)?.t ?? from;
    if (from === undefined) return "";
    return entries.flatMap(({ t, m }) => (t > from ? [m] : [])).join("");
  }
}
