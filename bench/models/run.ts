/**
 * Fetches a file over loopback with Hearth, aria2c and curl in one run: `npm run bench:models --
 * --size 4GiB`. Hearth hashes and syncs what it fetches; the others' files are synced after them,
 * and the time of that is shown apart. What the disk takes is measured in between. Exits with 1
 * where Hearth is slower than aria2c or than 85 % of the limit (curl's rate onto the disk, or sixteen
 * throttled connections), or takes more than 300 MB.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parseBytes } from "../../src/kernel/bytes.ts";
import { maxConnections } from "../../src/models/connections.ts";
import { median } from "../queue/measure.ts";

interface Run {
  readonly seconds: number;
  /** With everything on the disk. */
  readonly durableSeconds: number;
  readonly rssBytes: number | null;
}

interface Row extends Run {
  readonly scenario: string;
  readonly tool: string;
}

const scenarios = [
  { name: "unthrottled", bytesPerSecond: 0, latencyMs: 0 },
  { name: "60 MB/s a connection", bytesPerSecond: 60e6, latencyMs: 0 },
  { name: "30 ms to each reply", bytesPerSecond: 0, latencyMs: 30 },
] as const;

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "512MiB" },
    rounds: { type: "string", default: "3" },
    folder: { type: "string", default: tmpdir() },
  },
});
const size = parseBytes(values.size);
if (!size.ok) throw new Error(size.error);
const totalBytes = size.value;
const rounds = Number(values.rounds);
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

const aria2cArgs = ["-q", "-x16", "-s16", "-k1M", "--file-allocation=none"];

async function other(tool: "aria2c" | "curl", url: string): Promise<Run> {
  const path = join(folder, "other");
  const target =
    tool === "curl" ? ["-s", "-o", path] : [...aria2cArgs, "-d", folder, "-o", "other"];
  const seconds = timed(() => run(tool, ...target, url));
  const durableSeconds = seconds + (await sync(path));
  await rm(path);
  return { seconds, durableSeconds, rssBytes: null };
}

async function hearth(url: string): Promise<Run> {
  const store = join(folder, "store");
  const program = fileURLToPath(new URL("fetch.ts", import.meta.url));
  const text = run(process.execPath, "--no-warnings", program, store, url);
  const { ms, rssBytes } = JSON.parse(text) as { ms: number; rssBytes: number };
  await rm(store, { recursive: true });
  return { seconds: ms / 1_000, durableSeconds: ms / 1_000, rssBytes };
}

/** Plain writes of the same size in the pieces that are fastest here, with everything on the disk. */
async function disk(): Promise<Run> {
  const path = join(folder, "disk");
  const chunk = Buffer.alloc(64 * 1024, 1);
  const handle = await open(path, "w");
  const startMs = performance.now();
  for (let at = 0; at < totalBytes; at += chunk.length) writeSync(handle.fd, chunk);
  await handle.datasync();
  await handle.close();
  const seconds = (performance.now() - startMs) / 1_000;
  await rm(path);
  return { seconds, durableSeconds: seconds, rssBytes: null };
}

/**
 * Writes to twice the file's size of memory and gives it back. The first use of memory that a
 * virtual machine's host has not given it yet takes ten times as long, and would fall to whichever
 * tool comes upon it.
 */
function touchMemory(): void {
  const pieceBytes = 64 * 1024 * 1024;
  const pieces = Math.ceil((2 * totalBytes) / pieceBytes);
  const program = `globalThis.kept = Array.from({ length: ${pieces} }, () => Buffer.alloc(${pieceBytes}, 1))`;
  run(process.execPath, "-e", program);
}

/** Every tool once a round, each round beginning with another, so that no place in it favours one. */
async function measure(scenario: (typeof scenarios)[number]): Promise<readonly Row[]> {
  return withServer(scenario, async (url) => {
    const tools: readonly (readonly [string, () => Promise<Run>])[] = [
      ["hearth", () => hearth(url)],
      ["aria2c", () => other("aria2c", url)],
      ["disk", disk],
      // One throttled connection takes a minute, and its rate is known.
      ...(scenario.bytesPerSecond === 0 ? ([["curl", () => other("curl", url)]] as const) : []),
    ];
    const runs = new Map<string, Run[]>(tools.map(([tool]) => [tool, []]));
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < tools.length; at++) {
        const [tool, once] = tools[(at + round) % tools.length] ?? ["", disk];
        process.stderr.write(`${scenario.name}, round ${round + 1} of ${rounds}: ${tool}\n`);
        touchMemory();
        runs.get(tool)?.push(await once());
      }
    }
    return [...runs].map(([tool, all]) => middleOf(scenario.name, tool, all));
  });
}

function middleOf(scenario: string, tool: string, runs: readonly Run[]): Row {
  const rss = runs.flatMap(({ rssBytes }) => rssBytes ?? []);
  return {
    scenario,
    tool,
    seconds: median(runs.map(({ seconds }) => seconds)),
    durableSeconds: median(runs.map(({ durableSeconds }) => durableSeconds)),
    rssBytes: rss.length === 0 ? null : Math.max(...rss),
  };
}

/** What is asked of Hearth, each with whether it holds. */
function verdicts(
  rows: readonly Row[],
): readonly { readonly text: string; readonly ok: boolean }[] {
  return scenarios.flatMap(({ name, bytesPerSecond }) => {
    const of = (tool: string): Row | undefined =>
      rows.find((row) => row.scenario === name && row.tool === tool);
    const own = of("hearth");
    const peer = of("aria2c");
    // Received and written by a program in C that does nothing else, over one connection.
    const both = of("curl") ?? rows.find(({ tool }) => tool === "curl");
    if (own === undefined || peer === undefined || both === undefined) return [];
    const wireSeconds = bytesPerSecond === 0 ? 0 : totalBytes / (maxConnections * bytesPerSecond);
    const limitSeconds = Math.max(both.durableSeconds, wireSeconds);
    const toPeer = peer.durableSeconds / own.durableSeconds;
    const toLimit = limitSeconds / own.durableSeconds;
    const rssMb = (own.rssBytes ?? 0) / 1e6;
    return [
      { text: `${name}: ${toPeer.toFixed(2)} x aria2c, at least 1`, ok: toPeer >= 1 },
      { text: `${name}: ${toLimit.toFixed(2)} x the limit, at least 0.85`, ok: toLimit >= 0.85 },
      { text: `${name}: RSS ${Math.round(rssMb)} MB, at most 300`, ok: rssMb <= 300 },
    ];
  });
}

const megabytesPerSecond = (seconds: number): string => `${Math.round(totalBytes / 1e6 / seconds)}`;
const rows: Row[] = [];
try {
  for (const scenario of scenarios) rows.push(...(await measure(scenario)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `${values.size} over loopback, MB/s, medians of ${rounds}; "durable" with everything on the disk\n`,
);
for (const { scenario, tool, seconds, durableSeconds, rssBytes } of rows) {
  const rss = rssBytes === null ? "" : `  RSS ${Math.round(rssBytes / 1e6)} MB`;
  const rates = `${megabytesPerSecond(seconds).padStart(6)}  durable ${megabytesPerSecond(durableSeconds).padStart(6)}`;
  console.log(`${scenario.padEnd(22)}${tool.padEnd(8)}${rates}${rss}`);
}
console.log("");
const judged = verdicts(rows);
for (const { text, ok } of judged) console.log(`${ok ? "ok  " : "MISS"}  ${text}`);
if (judged.some(({ ok }) => !ok)) process.exitCode = 1;
