import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { WorkerRecord } from "../../store/workers.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
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
    { title: "SEEN", text: (worker) => describeAge(nowMs - worker.lastSeenAt.getTime()) },
  ]);
  context.output.result(workers, text);
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
