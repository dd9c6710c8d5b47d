/**
 * Fetches a file over loopback with Hearth, aria2c and curl in one run: `npm run bench:models --
 * --size 4GiB`. Hearth hashes and syncs what it fetches; the others' files are synced after them,
 * and the time of that is shown apart. The limits of loopback and disk are measured in between.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parseBytes } from "../../src/kernel/bytes.ts";

interface Row {
  readonly scenario: string;
  readonly tool: string;
  readonly seconds: number;
  /** With everything on the disk. */
  readonly durableSeconds: number;
  readonly rssBytes: number | null;
}

const scenarios = [
  { name: "unthrottled", bytesPerSecond: 0, latencyMs: 0 },
  { name: "60 MB/s a connection", bytesPerSecond: 60e6, latencyMs: 0 },
  { name: "30 ms to each reply", bytesPerSecond: 0, latencyMs: 30 },
] as const;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "512MiB" },
    folder: { type: "string", default: tmpdir() },
  },
});
const size = parseBytes(values.size);
if (!size.ok) throw new Error(size.error);
const totalBytes = size.value;
const folder = await mkdtemp(join(values.folder, "hearth-bench-"));

async function withServer<T>(
  scenario: (typeof scenarios)[number],
  body: (url: string) => Promise<T>,
): Promise<T> {
  const program = fileURLToPath(new URL("server.ts", import.meta.url));
  const settings = [totalBytes, scenario.bytesPerSecond, scenario.latencyMs].map(String);
  const child = spawn(process.execPath, [program, ...settings], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  try {
    return await body(`http://127.0.0.1:${port.toString().trim()}/b.safetensors`);
  } finally {
    child.kill();
    await once(child, "exit");
  }
}

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  return stdout;
}

function timed(body: () => void): number {
  const startMs = performance.now();
  body();
  return (performance.now() - startMs) / 1_000;
}

async function sync(path: string): Promise<number> {
  const handle = await open(path, "r+");
  const startMs = performance.now();
  await handle.datasync();
  await handle.close();
  return (performance.now() - startMs) / 1_000;
}

async function others(scenario: string, url: string): Promise<readonly Row[]> {
  const path = join(folder, "other");
  const commands = {
    aria2c: [
      "-q",
      "-x16",
      "-s16",
      "-k1M",
      "--file-allocation=none",
      "-d",
      folder,
      "-o",
      "other",
      url,
    ],
    curl: ["-s", "-o", path, url],
  };
  const rows: Row[] = [];
  for (const [tool, args] of Object.entries(commands)) {
    const seconds = timed(() => run(tool, ...args));
    const durableSeconds = seconds + (await sync(path));
    await rm(path);
    rows.push({ scenario, tool, seconds, durableSeconds, rssBytes: null });
  }
  return rows;
}

async function hearth(scenario: string, url: string): Promise<Row> {
  const store = join(folder, "store");
  const program = fileURLToPath(new URL("fetch.ts", import.meta.url));
  const text = run(process.execPath, "--no-warnings", program, store, url);
  const { ms, rssBytes } = JSON.parse(text) as { ms: number; rssBytes: number };
  await rm(store, { recursive: true });
  return { scenario, tool: "hearth", seconds: ms / 1_000, durableSeconds: ms / 1_000, rssBytes };
}

async function diskSeconds(): Promise<number> {
  const path = join(folder, "disk");
  const chunk = Buffer.alloc(4 * 1024 * 1024, 1);
  const handle = await open(path, "w");
  const startMs = performance.now();
  for (let at = 0; at < totalBytes; at += chunk.length) await handle.write(chunk);
  await handle.datasync();
  await handle.close();
  const seconds = (performance.now() - startMs) / 1_000;
  await rm(path);
  return seconds;
}

const megabytesPerSecond = (seconds: number): string => `${Math.round(totalBytes / 1e6 / seconds)}`;
const rows: Row[] = [];
const limits: string[] = [];
try {
  for (const scenario of scenarios) {
    await withServer(scenario, async (url) => {
      rows.push(await hearth(scenario.name, url), ...(await others(scenario.name, url)));
      const loopback = timed(() => run("curl", "-s", "-o", "/dev/null", url));
      const disk = await diskSeconds();
      limits.push(
        `${scenario.name}: one connection to nowhere ${megabytesPerSecond(loopback)} MB/s, disk ${megabytesPerSecond(disk)} MB/s`,
      );
    });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`${values.size} over loopback, MB/s; "durable" with everything on the disk\n`);
for (const { scenario, tool, seconds, durableSeconds, rssBytes } of rows) {
  const rss = rssBytes === null ? "" : `  RSS ${Math.round(rssBytes / 1e6)} MB`;
  const rates = `${megabytesPerSecond(seconds).padStart(6)}  durable ${megabytesPerSecond(durableSeconds).padStart(6)}`;
  console.log(`${scenario.padEnd(22)}${tool.padEnd(8)}${rates}${rss}`);
}
console.log(`\nLimits of the same run:\n${limits.join("\n")}`);
