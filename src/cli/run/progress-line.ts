import type { JobView } from "../api/watch-job.ts";
import { bar as barOf } from "../progress-bar.ts";

/** One line for a terminal: state, bar and what is being done, at most `columns` wide. */
export function formatProgress(view: JobView, columns: number): string {
  return Array.from(formatWhole(view))
    .slice(0, Math.max(10, columns - 1))
    .join("");
}

function formatWhole(view: JobView): string {
  const { status, queuePosition, progress } = view;
  if (status === "queued") {
    return queuePosition === null ? "queued" : `queued, ${queuePosition} ahead`;
  }
  if (status !== "running" || progress === null) return status;
  const share = Math.min(1, Math.max(0, progress.value));
  const bar = barOf(share);
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const nodes = `${progress.nodes_done}/${progress.nodes_total} nodes`;
  // Said of what no node's progress shows, such as a model on its way.
  if (!progress.current_node_class && progress.message)
    return `${bar} ${percent} %  ${progress.message}`;
  const step = progress.steps ? ` ${progress.step ?? 0}/${progress.steps}` : "";
  const current = progress.current_node_class ? `  ${progress.current_node_class}${step}` : "";
  return `${bar} ${percent} %  ${nodes}${current}`;
}

/** What is worth a line of its own where nothing can be drawn over: states and every tenth part. */
export function milestoneOf(view: JobView): string {
  const { status, progress } = view;
  if (status !== "running" || progress === null) return status;
  return `${status} ${Math.floor(progress.value * 10) * 10} %`;
}
