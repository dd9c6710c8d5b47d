/** Fetches one URL into a store, in a process of its own: `fetch.ts <folder> <url>`. */
import { Egress } from "../../src/models/io/egress.ts";
import { defaultPatience } from "../../src/models/io/fetch-options.ts";
import { ModelStore } from "../../src/models/io/store.ts";
import { createLogger } from "../../src/observability/logger.ts";

const [, , folder = "", url = ""] = process.argv;
const egress = new Egress({
  allow: ["127.0.0.1"],
  tokens: new Map(),
  connectMs: 5_000,
  silenceMs: 30_000,
});
const store = await ModelStore.open({
  folder,
  egress,
  patience: defaultPatience,
  logger: createLogger({ level: "silent" }),
  maxBytes: null,
  floorBytes: 0,
});
const startMs = performance.now();
const file = { folder: "checkpoints", filename: "b.safetensors", sha256: null, bytes: null };
await store.fetch({ ...file, sources: [url] }, { signal: new AbortController().signal });
const ms = performance.now() - startMs;
await egress.close();
const rssBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ ms, rssBytes }));
