import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";
import { bookHour } from "./bookkeeping.ts";

const hourMs = 3_600_000;
/** An hour is final this long after its end: what ended in it has been said by then. */
const settleMs = 600_000;
/** Hours caught up with in one pass, after an outage or at the very beginning. */
const maxHours = 26;
/** Beyond this an hour is booked in part, and the log says so. */
const maxUnits = 20_000;
const maxAttempts = 200_000;
const keptMs = 400 * 24 * hourMs;

/** Books every hour that is not final yet, the present one included. */
export async function keepBooks(store: Store, logger: Logger, nowMs: number): Promise<void> {
  const present = nowMs - (nowMs % hourMs);
  const final = (await store.usage.finalBefore())?.getTime();
  const first = Math.min(present, final ?? present - (maxHours - 1) * hourMs);
  // After a long pause the next passes go on, so that no hour is left out.
  const last = Math.min(present, first + (maxHours - 1) * hourMs);
  for (let hour = first; hour <= last; hour += hourMs) {
    const toMs = Math.min(hour + hourMs, nowMs);
    const [from, to] = [new Date(hour), new Date(toMs)];
    const units = await store.usage.units(from, to, maxUnits);
    const attempts = await store.usage.attempts(from, to, maxAttempts);
    if (units.length === maxUnits || attempts.length === maxAttempts) {
      logger.warn({ hour: from.toISOString() }, "an hour is too full to be booked as a whole");
    }
    const rows = bookHour({ hourMs: hour, toMs, units, attempts });
    await store.usage.saveHour(from, rows, hour + hourMs + settleMs <= nowMs);
  }
  await store.usage.forgetBefore(new Date(present - keptMs));
}
