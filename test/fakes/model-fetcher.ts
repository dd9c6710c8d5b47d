import { Egress } from "../../src/models/io/egress.ts";
import { defaultPatience } from "../../src/models/io/fetch-options.ts";
import { ModelStore } from "../../src/models/io/store.ts";
import { createLogger } from "../../src/observability/logger.ts";
import type { ModelFile } from "../../src/workflow/model-ref.ts";

/** A program that fetches one file into a store and prints how it went; tests kill it. */
const [, , folder = "", text = "{}"] = process.argv;
const file = JSON.parse(text) as ModelFile;
const store = await ModelStore.open({
  folder,
  egress: new Egress({
    allow: ["127.0.0.1"],
    tokens: new Map(),
    connectMs: 5_000,
    silenceMs: 20_000,
  }),
  patience: defaultPatience,
  logger: createLogger({ level: "silent" }),
  maxBytes: null,
  floorBytes: 0,
});
try {
  const record = await store.fetch(file, { signal: new AbortController().signal });
  process.stdout.write(JSON.stringify({ sha256: record.sha256 }));
} catch (thrown) {
  const { code, message } = thrown as { code?: string; message?: string };
  process.stdout.write(JSON.stringify({ code, message }));
}
process.exit();
