import { z } from "zod";

import type { CallFailure } from "../calls.ts";
import type { InstanceStatus } from "../platform.ts";

const listSchema = z.array(
  z.object({
    externalId: z.string().min(1).max(200),
    clientToken: z.string().nullable().default(null),
    state: z.enum(["pending", "running", "terminating"]).default("running"),
  }),
);

/** What the list program wrote. Throws where that is no list. */
export function parseList(stdout: string): readonly InstanceStatus[] {
  return listSchema.parse(JSON.parse(stdout));
}

/** By the exit codes of `sysexits.h`: 69 no capacity, 75 later, 73 quota, others refusals. */
export function failureOf(exitCode: number | null, stderr: string): CallFailure {
  const reason = stderr.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
  if (exitCode === null) return { kind: "unreachable" };
  if (exitCode === 75) return { kind: "throttled", retryAfterMs: null };
  if (exitCode === 69) return { kind: "capacity", reason };
  if (exitCode === 73) return { kind: "quota", reason };
  return { kind: "refused", reason: `exit code ${exitCode}: ${reason}` };
}
