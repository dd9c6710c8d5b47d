import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { addWorker } from "../../test/store.ts";
import { Stage } from "./stage.suite.ts";

describe("commands on the store", () => {
  it("make, list and revoke keys; the key works until then", async () => {
    const stage = await Stage.open();
    const created = await stage.cli(["keys", "create", "--name", "ci", "--json"]);
    const { data } = JSON.parse(created.stdout) as { data: { id: string; key: string } };
    const withKey = { HEARTH_API_KEY: data.key };
    expect(await stage.cli(["jobs", "ls"], withKey)).toMatchObject({ code: 0 });
    const listed = await stage.cli(["keys", "ls"]);
    expect(listed.stdout).toContain("ci");
    expect(listed.stdout).not.toContain(data.key.slice(20));
    expect(await stage.cli(["keys", "revoke", data.id])).toMatchObject({ code: 0 });
    expect(await stage.cli(["keys", "revoke", "unknown"])).toMatchObject({ code: 4 });
    const revoked = await stage.cli(["keys", "ls", "--json"]);
    expect(JSON.parse(revoked.stdout)).toMatchObject({ data: [{ state: "revoked" }] });
  });

  it("make a deployment that clients can call, and list it with workers", async () => {
    const stage = await Stage.open();
    expect(await stage.cli(["deployments", "create", "portraits"])).toMatchObject({ code: 0 });
    expect(await stage.cli(["deployments", "create", "portraits"])).toMatchObject({ code: 2 });
    await addWorker(stage.fixture);
    const listed = await stage.cli(["deployments", "ls", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      data: [
        { slug: "default", workers: 1 },
        { slug: "portraits", workers: 0 },
      ],
    });
    const run = await stage.cli(["run", "w.json", "--no-wait", "-d", "portraits"]);
    expect(run).toMatchObject({ code: 0 });
    expect((await stage.cli(["workers", "ls"])).stdout).toContain("built-in engine");
    expect(await stage.cli(["workers", "ls", "-d", "nope"])).toMatchObject({ code: 4 });
  });

  it("show a worker with the book of its card", async () => {
    const stage = await Stage.open();
    const workerId = await addWorker(stage.fixture, 24 * 1024 ** 3);
    await stage.fixture.store.workers.reportMemory(workerId, {
      totalBytes: 24 * 1024 ** 3,
      reserveBytes: 1024 ** 3,
      modelsBytes: 6 * 1024 ** 3,
      inferenceBytes: 2 * 1024 ** 3,
      cacheBytes: 0,
      foreignBytes: 0,
      slackBytes: 0,
      measuredBytes: 8 * 1024 ** 3,
      driftBytes: -(1024 ** 3),
      source: "nvidia-smi",
      strategy: "model-heavy",
    });
    const shown = await stage.cli(["workers", "get", workerId]);
    expect(shown.stdout).toMatch(/GPU memory +24\.0 GiB, shared model-heavy/u);
    expect(shown.stdout).toMatch(/- models +6\.0 GiB/u);
    expect(shown.stdout).toContain("8.0 GiB by nvidia-smi, 1.0 GiB less than was booked");
    expect((await stage.cli(["workers", "ls"])).stdout).toContain("8.0 GiB of 24.0 GiB");
    const json = await stage.cli(["workers", "get", "w", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ data: { id: workerId } });
    expect(await stage.cli(["workers", "get", "nobody"])).toMatchObject({ code: 2 });
  });

  it("make, list and revoke tokens that let workers in", async () => {
    const stage = await Stage.open();
    const created = await stage.cli(["workers", "token", "create", "--json"]);
    const { data } = JSON.parse(created.stdout) as { data: { id: string; token: string } };
    const listed = await stage.cli(["workers", "token", "ls"]);
    expect(listed.stdout).toContain(data.id);
    expect(listed.stdout).not.toContain(data.token);
    expect(await stage.cli(["workers", "token", "revoke", data.token])).toMatchObject({ code: 0 });
    expect(await stage.cli(["workers", "token", "revoke", data.id])).toMatchObject({ code: 4 });
    const nowhere = await stage.cli(["workers", "token", "create", "-d", "nope"]);
    expect(nowhere).toMatchObject({ code: 4 });
  });

  it("say whether the database is up to date", async () => {
    const stage = await Stage.open();
    expect(await stage.cli(["migrate", "--check"])).toMatchObject({ code: 0 });
    await stage.fixture.query("delete from hearth_migration");
    const stale = await stage.cli(["migrate", "--check", "--json"]);
    expect(stale.code).toBe(1);
    expect(JSON.parse(stale.stdout)).toMatchObject({ error: { code: "checks_failed" } });
    expect(await stage.cli(["keys", "ls"])).toMatchObject({ code: 1 });
  });

  it("find an installation in order, and name what is not", async () => {
    const stage = await Stage.open();
    await mkdir(join(stage.folder, ".hearth"));
    const sound = await stage.cli(["doctor"]);
    expect(sound).toMatchObject({ code: 0 });
    expect(sound.stdout).toMatch(/ok {4}database {5}Postgres \d+/u);
    const broken = await stage.cli(["doctor", "--json"], {
      DATABASE_URL: "postgres://a:b@127.0.0.1:9/c",
    });
    expect(broken.code).toBe(1);
    const { error } = JSON.parse(broken.stdout) as { error: { details: { findings: object[] } } };
    expect(error.details.findings).toContainEqual(
      expect.objectContaining({ name: "database", state: "fail" }),
    );
  });
});
