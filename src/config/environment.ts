import type { SettingsLayer } from "./schema.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Variable {
  readonly name: string;
  readonly path: readonly string[];
  /** A list is separated by commas, and so are pairs, each written `key=value`. */
  readonly kind: "text" | "number" | "flag" | "list" | "pairs";
}

/** Environment variables that set a setting; the rest of `HEARTH_*` belongs to single commands. */
export const settingVariables: readonly Variable[] = [
  { name: "HEARTH_DATA", path: ["dataDir"], kind: "text" },
  { name: "DATABASE_URL", path: ["databaseUrl"], kind: "text" },
  { name: "HEARTH_HOST", path: ["host"], kind: "text" },
  { name: "HEARTH_PORT", path: ["port"], kind: "number" },
  { name: "HEARTH_PUBLIC_URL", path: ["publicUrl"], kind: "text" },
  { name: "HEARTH_TRUST_LOOPBACK", path: ["trustsLoopback"], kind: "flag" },
  { name: "HEARTH_LOG_LEVEL", path: ["logLevel"], kind: "text" },
  { name: "HEARTH_PRICES", path: ["pricesFile"], kind: "text" },
  { name: "HEARTH_MODELS", path: ["models", "folder"], kind: "text" },
  { name: "HEARTH_MODELS_MAX_BYTES", path: ["models", "maxBytes"], kind: "number" },
  { name: "HEARTH_MODELS_FLOOR_BYTES", path: ["models", "floorBytes"], kind: "number" },
  { name: "HEARTH_MODELS_ALLOW", path: ["models", "allow"], kind: "list" },
  { name: "HEARTH_MODELS_PEERS", path: ["models", "peers"], kind: "list" },
  { name: "HEARTH_MODELS_TOKENS", path: ["models", "tokens"], kind: "pairs" },
  { name: "HEARTH_S3_BUCKET", path: ["blobs", "bucket"], kind: "text" },
  { name: "HEARTH_S3_PREFIX", path: ["blobs", "prefix"], kind: "text" },
  { name: "HEARTH_S3_REGION", path: ["blobs", "region"], kind: "text" },
  { name: "HEARTH_S3_ENDPOINT", path: ["blobs", "endpoint"], kind: "text" },
  { name: "HEARTH_S3_PATH_STYLE", path: ["blobs", "forcePathStyle"], kind: "flag" },
];

/**
 * The settings that environment variables give; empty variables count as absent. A value that is
 * not of its kind stays text, so that the schema refuses it by name.
 */
export function environmentLayer(environment: Environment): SettingsLayer {
  const values: Record<string, unknown> = {};
  const nested: Record<string, Record<string, unknown>> = { blobs: {}, models: {} };
  for (const variable of settingVariables) {
    const text = environment[variable.name];
    if (text === undefined || text === "") continue;
    const [first = "", second] = variable.path;
    if (second === undefined) values[first] = read(variable, text);
    else (nested[first] ??= {})[second] = read(variable, text);
  }
  const { blobs, models = {} } = nested;
  // A region alone does not choose S3: cloud machines set such variables for everybody.
  if (blobs?.["bucket"] !== undefined) values["blobs"] = { kind: "s3", ...blobs };
  if (Object.keys(models).length > 0) values["models"] = models;
  return { source: "the environment", values };
}

function read(variable: Variable, text: string): unknown {
  if (variable.kind === "number" && /^\d+$/u.test(text)) return Number(text);
  if (variable.kind === "list") return text.split(",").map((entry) => entry.trim());
  if (variable.kind === "pairs") return Object.fromEntries(text.split(",").map(pairOf));
  if (variable.kind === "flag" && (text === "1" || text === "true")) return true;
  if (variable.kind === "flag" && (text === "0" || text === "false")) return false;
  return text;
}

function pairOf(text: string): readonly [key: string, value: string] {
  const [key = "", ...value] = text.trim().split("=");
  return [key, value.join("=")];
}
