import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, parseJson } from "../../kernel/json.ts";
import { errorCode } from "./process-identity.ts";

/** How local processes reach the private server. */
export interface Credentials {
  readonly port: number;
  readonly password: string;
}

export const databaseName = "hearth";
export const roleName = "hearth";

/** 256 bits, in letters that need no escaping in a URL. */
export function newPassword(): string {
  return randomBytes(32).toString("base64url");
}

export function connectionStringOf(credentials: Credentials, database = databaseName): string {
  const { port, password } = credentials;
  // Without the last part, a PGSSLMODE around us would ask for a TLS that loopback does not have.
  return `postgres://${roleName}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}

/** Undefined when the server was never set up. Errors: `config_invalid`. */
export async function readCredentials(serverHome: string): Promise<Credentials | undefined> {
  const path = credentialsPath(serverHome);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    const message = `${path} cannot be read by this user (${errorCode(cause) ?? "failed"}); run as the user who set up the data folder.`;
    throw new HearthError("config_invalid", { message, cause });
  }
  const parsed = parseJson(text, { maxDepth: 2 });
  const value = parsed.ok ? parsed.value : undefined;
  if (isJsonObject(value) && typeof value["port"] === "number") {
    const { port, password } = value;
    if (typeof password === "string" && password !== "") return { port, password };
  }
  const message = `${path} is damaged: it must hold port and password of the private Postgres.`;
  throw new HearthError("config_invalid", { message });
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export async function writeCredentials(serverHome: string, values: Credentials): Promise<void> {
  const path = credentialsPath(serverHome);
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(values)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

function credentialsPath(serverHome: string): string {
  return join(serverHome, "credentials.json");
}
