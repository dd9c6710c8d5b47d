import { randomBytes } from "node:crypto";

import { Client, escapeIdentifier } from "pg";
import { inject } from "vitest";

import type { TestServer } from "./postgres-servers.ts";

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Ends the sessions that are left and removes the database. */
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** The name of a database to clone; nobody may be connected to it. */
  readonly template?: string;
}

/** The servers that the global setup started, newest first; one or two. */
export function postgresServers(): readonly TestServer[] {
  return inject("postgres");
}

/** A fresh database with a random name, for one test or one file. */
export async function createTestDatabase(
  serverUrl: string,
  options: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  // An empty one needs no template1, which somebody else may be cloning.
  const template = escapeIdentifier(options.template ?? "template0");
  await runOn(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const drop = (): Promise<void> =>
    runOn(serverUrl, `drop database if exists ${name} with (force)`);
  return { url: url.href, name, drop };
}

async function runOn(serverUrl: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
