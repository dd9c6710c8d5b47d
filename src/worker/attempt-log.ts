import type { AttemptLog } from "../protocol/worker-link.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { Unreachable } from "./http.ts";
import { tailOf } from "./log-tail.ts";
import { within } from "./retry.ts";

const patienceMs = 2_000;

/** Reads what ComfyUI wrote between two moments: from its pipe, or from its own keeping. */
export class AttemptLogReader {
  private readonly session: ComfySession;
  private mark = 0;
  private heard = "";

  constructor(session: ComfySession) {
    this.session = session;
    this.begin();
  }

  /** What was written before belongs to others. */
  begin(): void {
    this.mark = this.session.log?.mark ?? 0;
  }

  /** Best effort; null when nothing was written or nothing can be read. Never rejects. */
  async read(): Promise<AttemptLog | null> {
    const { log, serverLog, client, gone } = this.session;
    if (log !== undefined) return log.since(this.mark);
    if (gone.aborted || serverLog.isUnavailable) return tailOf(this.heard);
    try {
      const entries = await within(patienceMs, [gone], (signal) => client.logEntries(signal));
      this.heard += serverLog.advance(entries);
    } catch (thrown) {
      // One that is slow to tell would delay every job.
      if (!(thrown instanceof Unreachable)) serverLog.isUnavailable = true;
    }
    return tailOf(this.heard);
  }
}
