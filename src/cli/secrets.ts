import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { Io } from "./output.ts";

/** Keys that gateways of one installation share and the database never sees. */
export interface Secrets {
  readonly sealKey: Uint8Array;
  readonly blobSigningKey: Uint8Array;
}

const keyBytes = 32;
const keySchema = z.base64().refine((text) => Buffer.from(text, "base64").length === keyBytes);
const fileSchema = z.strictObject({ sealKey: keySchema, blobSigningKey: keySchema });

/**
 * From `HEARTH_SEAL_KEY` and `HEARTH_BLOB_SIGNING_KEY` (base64, 32 bytes), or else from
 * `secrets.json` of the data folder, which is made once. Errors: `config_invalid`.
 */
export async function loadSecrets(
  dataDir: string,
  environment: Io["environment"],
): Promise<Secrets> {
  const sealKey = fromEnvironment(environment, "HEARTH_SEAL_KEY");
  const blobSigningKey = fromEnvironment(environment, "HEARTH_BLOB_SIGNING_KEY");
  if (sealKey !== undefined && blobSigningKey !== undefined) return { sealKey, blobSigningKey };
  const file = await readOrCreate(dataDir);
  return {
    sealKey: sealKey ?? Buffer.from(file.sealKey, "base64"),
    blobSigningKey: blobSigningKey ?? Buffer.from(file.blobSigningKey, "base64"),
  };
}

function fromEnvironment(environment: Io["environment"], name: string): Uint8Array | undefined {
  const text = environment[name];
  if (text === undefined || text === "") return undefined;
  if (keySchema.safeParse(text).success) return Buffer.from(text, "base64");
  const message = `${name} is not valid: it must be ${keyBytes} bytes in base64.`;
  throw new HearthError("config_invalid", { message, details: { setting: name } });
}

async function readOrCreate(dataDir: string): Promise<z.infer<typeof fileSchema>> {
  const path = join(dataDir, "secrets.json");
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const fresh = {
    sealKey: randomBytes(keyBytes).toString("base64"),
    blobSigningKey: randomBytes(keyBytes).toString("base64"),
  };
  const draft = `${path}.${process.pid}.new`;
  try {
    await writeFile(draft, `${JSON.stringify(fresh, null, 2)}\n`, { mode: 0o600, flush: true });
    // Fails where the file exists, so that two starters agree on the first one's keys.
    await link(draft, path).catch(() => undefined);
    return fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? "it is damaged" : errorMessage(cause);
    const message = `${path} cannot be used: ${reason}.`;
    throw new HearthError("config_invalid", { message, cause });
  } finally {
    await rm(draft, { force: true });
  }
}
