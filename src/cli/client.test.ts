import { randomBytes, randomUUID } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, vi } from "vitest";

import { mintApiKey } from "../gateway/credentials.ts";
import { Stage, attemptEnd, workflow } from "./stage.suite.ts";

describe("hearth run", () => {
  it("saves the outputs and prints their paths, and only those, on standard output", async () => {
    const stage = await Stage.open();
    const running = stage.cli(["run", "w.json", "--out", "out", "-m", "order=7"]);
    const claim = await stage.claim();
    expect(claim.workflow).toEqual(workflow);
    await stage.complete(claim, ["a.png", "../a.png"]);
    const { code, stdout, stderr } = await running;
    const paths = [join(stage.folder, "out", "a.png"), join(stage.folder, "out", "a-9.png")];
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toBe(`${paths.join("\n")}\n`);
    expect(await readFile(paths[1] ?? "", "utf8")).toBe("picture 1");
    const job = await stage.fixture.store.jobs.get(stage.fixture.tenantId, claim.jobId);
    expect(job?.metadata).toMatchObject({ order: "7" });
  });

  it("never replaces a file without --force, and says how to get the outputs nevertheless", async () => {
    const stage = await Stage.open();
    await writeFile(join(stage.folder, "out", "a.png"), "mine");
    const running = stage.cli(["run", "w.json", "--out", "out", "--json"]);
    const claim = await stage.claim();
    await stage.complete(claim, ["a.png"]);
    const refused = await running;
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "file_exists" } });
    expect(await readFile(join(stage.folder, "out", "a.png"), "utf8")).toBe("mine");
    const forced = await stage.cli(["jobs", "get", claim.jobId, "--out", "out", "--force"]);
    expect(forced.code).toBe(0);
    expect(await readFile(join(stage.folder, "out", "a.png"), "utf8")).toBe("picture 0");
    const again = await stage.cli(["jobs", "get", claim.jobId, "--out", "out"]);
    expect(again.code).toBe(0);
    expect(await readdir(join(stage.folder, "out"))).toEqual(["a.png"]);
  });

  it("uploads a file once and sets values of both kinds", async () => {
    const stage = await Stage.open();
    await writeFile(join(stage.folder, "p.png"), "pixels");
    const args = ["run", "w.json", "--no-wait", "-i", "3.image=@p.png", "-i", "3.mask=@p.png"];
    const values = ["-s", "EmptyImage.width=16", "-i", "9.filename_prefix=7", "-p", "high"];
    const first = await stage.cli([...args, ...values]);
    expect(first).toMatchObject({ code: 0 });
    const claim = await stage.claim();
    expect(first.stdout).toBe(`${claim.jobId}\n`);
    expect(claim.workflow).toMatchObject({
      "3": { inputs: { width: 16 } },
      "9": { inputs: { filename_prefix: "7" } },
    });
    expect(claim.inputs.map((input) => input.path.at(-1))).toEqual(["image", "mask"]);
    expect(first.stderr.match(/sent p\.png/gu)).toHaveLength(1);
    const job = await stage.fixture.store.jobs.get(stage.fixture.tenantId, claim.jobId);
    expect(job?.priority).toBe("high");
    const second = await stage.cli([...args, "--json"]);
    expect(second.stderr).toContain("p.png is there already");
    expect(JSON.parse(second.stdout)).toMatchObject({ ok: true, data: { status: "queued" } });
  });

  it("reports a failed job with code, message and node, and exits 1", async () => {
    const stage = await Stage.open();
    const running = stage.cli(["run", "w.json", "--json"]);
    const claim = await stage.claim();
    const failure = {
      code: "node_execution_error",
      message: "no such colour",
      nodeId: "3",
      classType: "EmptyImage",
      traceback: null,
    };
    await stage.fixture.store.attempts.fail(claim, { failureClass: "user", failure }, attemptEnd);
    stage.fixture.store.signals.publish("job", claim.jobId);
    const { code, stdout } = await running;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      error: {
        code: "node_execution_error",
        message: "no such colour (node 3, EmptyImage)",
        details: { job_id: claim.jobId, node_id: "3" },
      },
    });
  });

  it("goes on watching across a restart of the gateway", async () => {
    const stage = await Stage.open();
    const running = stage.cli(["run", "w.json", "--out", "out"]);
    const claim = await stage.claim();
    await stage.stopGateway();
    await stage.complete(claim);
    await stage.startGateway();
    expect(await running).toMatchObject({ code: 0 });
  });

  it("submits one job although the answer to the first try is lost", async () => {
    const stage = await Stage.open();
    let lost = 0;
    const url = await stage.proxy((request, answer) => {
      if (request.method !== "POST" || lost > 0) return false;
      lost++;
      answer.destroy();
      return true;
    });
    const { code, stdout } = await stage.cli(["run", "w.json", "--no-wait"], { HEARTH_URL: url });
    expect({ code, lost }).toEqual({ code: 0, lost: 1 });
    const { rows } = await stage.fixture.query<{ id: string }>("select id from job");
    expect(rows.map((row) => row.id)).toEqual([stdout.trim()]);
  });

  it("polls where there is no event stream", async () => {
    const stage = await Stage.open();
    const url = await stage.proxy((request, answer) => {
      if (request.url?.endsWith("/events") !== true) return false;
      answer
        .writeHead(501)
        .end('{"error":{"code":"not_implemented","message":"no","details":null}}');
      return true;
    });
    const running = stage.cli(["run", "w.json", "--out", "out"], { HEARTH_URL: url });
    await stage.complete(await stage.claim());
    expect(await running).toMatchObject({ code: 0 });
  });

  it("cancels the job at Ctrl-C and exits 130", async () => {
    const stage = await Stage.open();
    const running = stage.cli(["run", "w.json"]);
    await vi.waitFor(async () => {
      const { rows } = await stage.fixture.query("select from job");
      expect(rows).toHaveLength(1);
      expect(process.listenerCount("SIGINT")).toBeGreaterThan(0);
    });
    process.emit("SIGINT");
    const { code, stderr } = await running;
    expect(code).toBe(130);
    expect(stderr).toContain("canceling the job");
    const { rows } = await stage.fixture.query("select state from job");
    expect(rows).toEqual([{ state: "canceled" }]);
  });

  it("gives up after --timeout with an exit code of its own; the job goes on", async () => {
    const stage = await Stage.open();
    const { code, stdout } = await stage.cli(["run", "w.json", "--timeout", "300ms", "--json"]);
    expect(code).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "timeout" } });
    const { rows } = await stage.fixture.query("select state from job");
    expect(rows).toEqual([{ state: "queued" }]);
  });

  it("names what is wrong with a workflow, node by node", async () => {
    const stage = await Stage.open();
    const broken = { "3": { class_type: "EmptyImage", inputs: { image: ["99", 0] } } };
    await writeFile(join(stage.folder, "w.json"), JSON.stringify(broken));
    const { code, stderr } = await stage.cli(["run", "w.json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/node 3, image: /u);
  });
});

describe("hearth jobs", () => {
  it("lists, shows, follows and cancels jobs, and prints logs without escapes", async () => {
    const stage = await Stage.open();
    const submitted = await stage.cli(["run", "w.json", "--no-wait"]);
    const jobId = submitted.stdout.trim();
    const listed = await stage.cli(["jobs", "ls", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ data: { jobs: [{ id: jobId }] } });
    expect((await stage.cli(["jobs", "ls"])).stdout).toContain(jobId);
    const watching = stage.cli(["jobs", "watch", jobId]);
    await stage.complete(await stage.claim());
    expect(await watching).toMatchObject({ code: 0 });
    expect((await stage.cli(["jobs", "get", jobId])).stdout).toContain("status      succeeded");
    expect((await stage.cli(["jobs", "logs", jobId])).stdout).toBe("loaded[2J\n");
    const second = (await stage.cli(["run", "w.json", "--no-wait"])).stdout.trim();
    expect(await stage.cli(["jobs", "cancel", second])).toMatchObject({ stdout: "canceled\n" });
    expect(await stage.cli(["jobs", "watch", second])).toMatchObject({ code: 1 });
  });

  it("end with 4 for an unknown job and with 3 for a wrong key", async () => {
    const stage = await Stage.open();
    expect(await stage.cli(["jobs", "get", randomUUID()])).toMatchObject({ code: 4 });
    const { key } = mintApiKey(randomBytes(64));
    expect(await stage.cli(["jobs", "ls"], { HEARTH_API_KEY: key })).toMatchObject({ code: 3 });
  });
});
