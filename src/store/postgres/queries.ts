import { readFileSync, readdirSync } from "node:fs";

/** Statements by file name without its ending; each file in `queries/` holds one. */
export type Queries = Readonly<Record<string, string>>;

const folder = new URL("../queries/", import.meta.url);

/** Reads every statement from its file. */
export function loadQueries(): Queries {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  return Object.fromEntries(
    files.map((file) => [
      file.slice(0, -".sql".length),
      readFileSync(new URL(file, folder), "utf8"),
    ]),
  );
}
