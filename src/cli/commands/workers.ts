import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { CardMemory } from "../../protocol/worker-link.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

/** `hearth workers ls`: those that have not left. */
export async function listWorkers(
  context: CommandContext,
  flags: { readonly deployment: string | undefined },
): Promise<void> {
  const settings = await settingsOf(context);
  const workers = await withStore(settings, async (store) => {
    if (flags.deployment === undefined) return store.workers.list();
    const deployment = await store.access.findDeployment(flags.deployment);
    if (deployment === undefined) throw new HearthError("deployment_not_found");
    return store.workers.list(deployment.id);
  });
  const nowMs = Date.now();
  const text = formatTable(workers, [
    { title: "NAME", text: (worker) => worker.name },
    { title: "STATE", text: (worker) => worker.state },
    { title: "DEPLOYMENT", text: (worker) => worker.deployment },
    { title: "RUNS", text: describeKind },
    { title: "DEVICES", text: describeDevices },
    { title: "GPU MEMORY", text: describeMemory },
    { title: "SEEN", text: (worker) => describeAge(nowMs - worker.lastSeenAt.getTime()) },
  ]);
  context.output.result(workers, text);
}

/** `hearth workers get`: one worker by its id or name, with the book of its card. */
export async function showWorker(context: CommandContext, idOrName: string): Promise<void> {
  const settings = await settingsOf(context);
  const workers = await withStore(settings, (store) => store.workers.list());
  const found = workers.filter(({ id, name }) => id === idOrName || name === idOrName);
  const [worker] = found;
  if (worker === undefined) {
    throw new CliFailure("usage", `There is no worker ${idOrName}; see hearth workers ls.`);
  }
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(", ");
    throw new CliFailure("usage", `${found.length} workers have this name; give one of ${ids}.`);
  }
  context.output.result(worker, describeWorker(worker, Date.now()));
}

function describeWorker(worker: WorkerRecord, nowMs: number): string {
  const { memory } = worker;
  const lines: [name: string, text: string][] = [
    ["id", worker.id],
    ["name", worker.name],
    ["state", worker.state],
    ["deployment", worker.deployment],
    ["runs", describeKind(worker)],
    ["devices", describeDevices(worker)],
    ["seen", describeAge(nowMs - worker.lastSeenAt.getTime())],
    ...(memory === null ? [] : memoryLines(memory)),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join("\n");
}

function memoryLines(memory: CardMemory): readonly [name: string, text: string][] {
  const measured = `${formatBytes(memory.measuredBytes)} by ${memory.source}`;
  return [
    ["GPU memory", `${formatBytes(memory.totalBytes)}, shared ${memory.strategy}`],
    ["- models", formatBytes(memory.modelsBytes)],
    ["- inference", formatBytes(memory.inferenceBytes)],
    ["- cache", formatBytes(memory.cacheBytes)],
    ["- reserve", formatBytes(memory.reserveBytes)],
    ["- others", formatBytes(memory.foreignBytes)],
    ["- idle", `${formatBytes(memory.slackBytes)} reserved and not in use`],
    ["measured", `${measured}, ${describeDrift(memory.driftBytes)}`],
  ];
}

function describeDrift(driftBytes: number): string {
  if (driftBytes === 0) return "as booked";
  const size = formatBytes(Math.abs(driftBytes));
  return `${size} ${driftBytes > 0 ? "more" : "less"} than was booked`;
}

function describeMemory({ memory }: WorkerRecord): string {
  if (memory === null) return "";
  const { modelsBytes, inferenceBytes, cacheBytes, totalBytes } = memory;
  return `${formatBytes(modelsBytes + inferenceBytes + cacheBytes)} of ${formatBytes(totalBytes)}`;
}

function describeKind(worker: WorkerRecord): string {
  if (worker.kind === null) return "";
  return worker.kind === "engine" ? "built-in engine" : `ComfyUI ${worker.comfyuiVersion ?? ""}`;
}

function describeDevices(worker: WorkerRecord): string {
  return worker.devices
    .map(({ name, vramTotalBytes }) =>
      vramTotalBytes > 0 ? `${name} (${formatBytes(vramTotalBytes)})` : name,
    )
    .join(", ");
}

/** The database's clock may run a little ahead of ours. */
function describeAge(ageMs: number): string {
  return `${formatDurationMs(Math.max(0, ageMs))} ago`;
}
