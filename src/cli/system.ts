import { randomBytes } from "node:crypto";

import type { Clock } from "../kernel/clock.ts";
import { uuidV7 } from "../kernel/id.ts";

/** The real clock; everything below the command line gets it handed in. */
export const systemClock: Clock = { now: () => Date.now() };

/** A new version-7 UUID. */
export function newId(): string {
  return uuidV7(systemClock.now(), randomBytes(10));
}
