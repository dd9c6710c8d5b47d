import { randomBytes } from "node:crypto";

import { mintApiKey } from "../../gateway/credentials.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { ApiKeyRecord, Scope } from "../../store/access.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

export interface KeyFlags {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly validMs: number | null;
  readonly tenant: string;
}

/** `hearth keys create`: prints the key, once. */
export async function createKey(context: CommandContext, flags: KeyFlags): Promise<void> {
  const settings = await settingsOf(context);
  const minted = mintApiKey(randomBytes(64));
  const { name, scopes, validMs } = flags;
  await withStore(settings, async (store) => {
    const tenant = await store.access.ensureTenant(flags.tenant);
    const { id, secretHash } = minted;
    await store.access.createApiKey({ id, tenantId: tenant.id, name, scopes, secretHash, validMs });
  });
  context.output.note("this key is shown only now; keep it");
  context.output.result({ id: minted.id, key: minted.key, name, scopes }, minted.key);
}

/** `hearth keys ls`: never shows a secret. */
export async function listKeys(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const keys = await withStore(settings, (store) => store.access.listApiKeys());
  const shown = keys.map((key) => describeKey(key));
  const text = formatTable(shown, [
    { title: "ID", text: (key) => key.id },
    { title: "NAME", text: (key) => key.name },
    { title: "TENANT", text: (key) => key.tenant },
    { title: "SCOPES", text: (key) => key.scopes.join(",") },
    { title: "STATE", text: (key) => key.state },
    { title: "LAST USED", text: (key) => key.lastUsedAt?.toISOString() ?? "never" },
  ]);
  context.output.result(shown, text);
}

/** `hearth keys revoke`: takes effect within seconds. */
export async function revokeKey(context: CommandContext, keyId: string): Promise<void> {
  const settings = await settingsOf(context);
  // The whole key works too, and its id is all of it that goes on.
  const id = /^hearth_([0-9a-z]{12})_/u.exec(keyId)?.[1] ?? keyId;
  const isRevoked = await withStore(settings, (store) => store.access.revokeApiKey(id));
  if (!isRevoked) throw new HearthError("not_found", { message: `There is no key ${id}.` });
  context.output.result({ id, revoked: true }, `${id} revoked`);
}

function describeKey(key: ApiKeyRecord) {
  const { id, name, tenant, scopes, createdAt, expiresAt, lastUsedAt } = key;
  return { id, name, tenant, scopes, createdAt, expiresAt, lastUsedAt, state: stateOf(key) };
}

function stateOf(key: ApiKeyRecord): string {
  if (key.revokedAt !== null) return "revoked";
  if (key.expiresAt !== null && key.expiresAt.getTime() <= Date.now()) return "expired";
  return "active";
}
