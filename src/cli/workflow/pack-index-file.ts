import { parsePackIndex, type PackIndex } from "../../workflow/pack-index.ts";
import { parseJson } from "../../kernel/json.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readBytes } from "./source.ts";

const maxDepth = 64;

/** Reads ComfyUI-Manager's `extension-node-map.json`, where one is named. Errors: `usage`. */
export async function readPackIndex(
  path: string | undefined,
  io: Io,
): Promise<PackIndex | undefined> {
  if (path === undefined) return undefined;
  const parsed = parseJson((await readBytes(path, io)).toString("utf8"), { maxDepth });
  const index = parsed.ok ? parsePackIndex(parsed.value) : undefined;
  if (index !== undefined) return index;
  const reason = parsed.ok ? "it does not map repositories to classes" : parsed.error.message;
  throw new CliFailure("usage", `${path} is not an index of packs: ${reason}.`);
}
