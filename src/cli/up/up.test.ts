import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

import { Client } from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { findMarkedProcesses, type MarkedProcess } from "../../platforms/local/process-table.ts";
import { findFreePort } from "../../store/embedded/readiness.ts";
import { readConnectionString } from "../../store/embedded/server.ts";
import { ownCommand, packagePath } from "../package-paths.ts";
import { ownerOf } from "./local-workers.ts";

/** A test may take its time where the machine is busy; each wait has a bound. */
const limitMs = 120_000;
const waitMs = 60_000;

interface Up {
  readonly child: ChildProcess;
  /** The envelope that says that everything is up. */
  readonly ready: Promise<Envelope>;
  readonly exit: Promise<number | null>;
}

interface Envelope {
  readonly ok: boolean;
  readonly data: {
    readonly workersReady: number;
    readonly picture: { readonly path: string; readonly tookMs: number | null };
  };
  readonly error: { readonly code: string; readonly message: string };
}

/** One data folder with everything that runs on it; nothing is left after the test. */
class Place {
  readonly folder: string;
  readonly port: number;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  static async make(): Promise<Place> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-up-")));
    const place = new Place(folder, await findFreePort());
    onTestFinished(async () => {
      for (const { groupId } of await place.workers()) kill(-groupId);
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    });
    return place;
  }

  up(...args: readonly string[]): Up {
    const [program = "", ...rest] = ownCommand(
      "up",
      "--json",
      "--port",
      String(this.port),
      ...args,
    );
    const child = spawn(program, rest, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    });
    const ready = new Promise<Envelope>((resolve, reject) => {
      let seen = "";
      child.stdout.on("data", (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.endsWith("\n")) resolve(JSON.parse(seen) as Envelope);
      });
      child.once("exit", (code) => reject(new Error(`up ended with ${code}: ${seen}`)));
    });
    // Not every test waits for it.
    ready.catch(() => undefined);
    child.stderr.resume();
    return { child, ready, exit: once(child, "exit").then(([code]) => code as number | null) };
  }

  async cli(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
    const [program = "", ...rest] = ownCommand(...args);
    const env = { ...process.env, HEARTH_URL: `http://127.0.0.1:${this.port}` };
    const child = spawn(program, rest, {
      cwd: this.folder,
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return { code: code as number, out };
  }

  /** Runs some other client; throws unless it succeeds. */
  async program(file: string, ...args: readonly string[]): Promise<void> {
    const env = { ...process.env, COMFY_BASE_URL: `http://127.0.0.1:${this.port}` };
    await promisify(execFile)(file, [...args], { cwd: this.folder, env });
  }

  /** The processes of our workers, with what they started. */
  workers(): Promise<readonly MarkedProcess[]> {
    return findMarkedProcesses(ownerOf(join(this.folder, ".hearth")));
  }

  async instanceIds(): Promise<readonly string[]> {
    return [...new Set((await this.workers()).map((one) => one.instanceId))];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

describe.runIf(process.platform === "linux")("hearth up", () => {
  it(
    "makes a first picture, runs workflows, holds its folder, and leaves nothing behind",
    async () => {
      const place = await Place.make();
      const up = place.up();
      const { data } = await up.ready;
      expect(data.workersReady).toBe(1);
      expect((await readFile(data.picture.path)).subarray(1, 4).toString()).toBe("PNG");
      expect(data.picture.path).toBe(join(place.folder, ".hearth", "first-picture.png"));

      const example = packagePath("examples/invert-upload.json");
      const input = `10.image=@${data.picture.path}`;
      const run = await place.cli("run", example, "--input", input, "--out", "out");
      expect(run).toMatchObject({ code: 0 });
      expect((await readFile(run.out.trim())).subarray(1, 4).toString()).toBe("PNG");

      const collage = packagePath("examples/collage.json");
      const args = ["--input", `LoadImage.image=@${data.picture.path}`, "--out", "out"];
      expect(await place.cli("run", collage, ...args)).toMatchObject({ code: 0 });
      const saved = join(place.folder, "out", "sdk.png");
      await place.program(
        process.execPath,
        packagePath("examples/sdk.ts"),
        data.picture.path,
        saved,
      );
      expect((await readFile(saved)).subarray(1, 4).toString()).toBe("PNG");

      const second = place.up();
      const refusal = await second.ready;
      expect(refusal).toMatchObject({ ok: false, error: { code: "data_folder_in_use" } });
      expect(await second.exit).toBe(1);

      const url = await readConnectionString(join(place.folder, ".hearth"));
      up.child.kill("SIGINT");
      expect(await up.exit).toBe(0);
      expect(await place.workers()).toEqual([]);
      const client = new Client({ connectionString: url ?? "" });
      await expect(client.connect()).rejects.toThrow(/ECONNREFUSED/u);
    },
    limitMs,
  );

  it(
    "goes on after it was killed: same worker, same jobs",
    async () => {
      const place = await Place.make();
      const first = place.up();
      await first.ready;
      const [instance, ...more] = await place.instanceIds();
      expect(more).toEqual([]);
      const slow = { seed: 1, steps: 40, width: 64, height: 64, step_ms: 100 };
      const workflow = {
        "1": { class_type: "HearthSampler", inputs: slow },
        "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "slow" } },
      };
      await writeFile(join(place.folder, "slow.json"), JSON.stringify(workflow));
      const running = place.cli("run", "slow.json", "--out", "out");
      await vi.waitFor(
        async () => expect((await place.cli("jobs", "ls")).out).toContain("running"),
        waitMs,
      );
      kill(first.child.pid ?? 0);
      await first.exit;
      const second = place.up();
      const { data } = await second.ready;
      expect(data).toMatchObject({ workersReady: 1, picture: { tookMs: null } });
      expect(await place.instanceIds()).toEqual([instance]);
      expect(await running).toMatchObject({ code: 0 });
    },
    limitMs,
  );

  it(
    "replaces a worker that was killed",
    async () => {
      const place = await Place.make();
      await place.up().ready;
      const [before] = await place.instanceIds();
      for (const { pid } of await place.workers()) kill(pid);
      await vi.waitFor(async () => {
        const [after] = await place.instanceIds();
        expect(after).toBeDefined();
        expect(after).not.toBe(before);
      }, waitMs);
    },
    limitMs,
  );

  it(
    "names the port that is taken, and lets go of its folder",
    async () => {
      const place = await Place.make();
      const other = createServer();
      await once(other.listen(0, "127.0.0.1"), "listening");
      onTestFinished(() => void other.close());
      const { port } = other.address() as AddressInfo;
      const up = place.up("--port", String(port));
      const refusal = await up.ready;
      expect(refusal.error.message).toContain(`Port ${port} on 127.0.0.1 is taken`);
      expect(await up.exit).toBe(1);
      expect(await place.cli("keys", "ls", "--json")).toMatchObject({ code: 0 });
    },
    limitMs,
  );
});
