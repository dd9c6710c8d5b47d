import { Client } from "pg";
import { describe, expect, it } from "vitest";

import { createTestDatabase, postgresServers } from "./database.ts";

describe.each([...postgresServers()])("a test database on $name", ({ name, url }) => {
  it("lies on a server of the version it names", async () => {
    const [row] = await query(url, "show server_version_num");
    const major = Math.floor(Number(row?.["server_version_num"]) / 10_000);
    expect(`postgres ${major}`).toBe(name);
  });

  it("starts empty, clones another one and is gone after drop", async () => {
    const first = await createTestDatabase(url);
    await query(first.url, "create table kept (id integer)");
    await query(first.url, "insert into kept values (7)");
    const second = await createTestDatabase(url, { template: first.name });
    expect(await query(second.url, "select id from kept")).toEqual([{ id: 7 }]);
    await first.drop();
    await second.drop();
    const names = `'${first.name}', '${second.name}'`;
    expect(await query(url, `select 1 from pg_database where datname in (${names})`)).toEqual([]);
  });

  it("is dropped even while a session is open", async () => {
    const database = await createTestDatabase(url);
    const client = new Client({ connectionString: database.url });
    const ended = new Promise((resolve) => client.on("error", resolve));
    await client.connect();
    await database.drop();
    await ended;
    await expect(query(database.url, "select 1")).rejects.toThrow("does not exist");
  });
});

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
