import { HearthError } from "../kernel/errors.ts";
import type { CallPatience } from "./calls.ts";

/** Two minutes: what platforms take at most to let go of a name. */
const maxLooks = 60;
const waitMs = 2_000;

/** Waits until a look finds nothing. Errors: `service_unavailable` where it stays. */
export async function untilGone(
  what: string,
  isThere: () => Promise<boolean>,
  { sleep }: CallPatience,
): Promise<void> {
  for (let look = 1; await isThere(); look++) {
    if (look >= maxLooks) {
      const message = `${what} is still being removed; run the command again.`;
      throw new HearthError("service_unavailable", { message, retryAfterSeconds: 60 });
    }
    await sleep(waitMs);
  }
}
