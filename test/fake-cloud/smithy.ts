/**
 * Holds a JSON value against a schema that an AWS SDK ships (`RunTaskRequest$` and its kin).
 * Returns what is wrong, as sentences.
 */
export function smithyFaults(schema: unknown, value: unknown, path = "$"): readonly string[] {
  const type = resolve(schema);
  if (typeof type === "number") return simpleFaults(type, value, path);
  if (!Array.isArray(type)) return [];
  const [kind] = type as [number];
  if (kind === 1) return listFaults(type[4], value, path);
  if (kind === 2) return mapFaults(type[5], value, path);
  if (kind === 3) return structureFaults(type, value, path);
  return [];
}

/** Schemas stand behind functions, and behind pairs of schema and traits. */
function resolve(schema: unknown): unknown {
  if (typeof schema === "function") return resolve((schema as () => unknown)());
  if (Array.isArray(schema) && typeof schema[1] !== "string") return resolve(schema[0]);
  return schema;
}

function simpleFaults(type: number, value: unknown, path: string): readonly string[] {
  if (type >= 128) return mapFaults(type - 128, value, path);
  if (type >= 64) return listFaults(type - 64, value, path);
  const expected = type === 1 || type === 4 ? "number" : type === 2 ? "boolean" : "string";
  return typeof value === expected ? [] : [`${path} must be a ${expected}`];
}

function listFaults(item: unknown, value: unknown, path: string): readonly string[] {
  if (!Array.isArray(value)) return [`${path} must be a list`];
  return value.flatMap((each, index) => smithyFaults(item, each, `${path}[${index}]`));
}

function mapFaults(item: unknown, value: unknown, path: string): readonly string[] {
  if (!isObject(value)) return [`${path} must be a map`];
  return Object.entries(value).flatMap(([key, each]) => smithyFaults(item, each, `${path}.${key}`));
}

function structureFaults(type: unknown[], value: unknown, path: string): readonly string[] {
  if (!isObject(value)) return [`${path} must be a structure`];
  const names = type[4] as string[];
  const schemas = type[5] as unknown[];
  const required = names.slice(0, Number(type[6] ?? 0));
  const missing = required.filter((name) => value[name] === undefined);
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const index = names.indexOf(name);
      if (index < 0) return [`${path}.${name} is unknown`];
      return smithyFaults(schemas[index], each, `${path}.${name}`);
    }),
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
