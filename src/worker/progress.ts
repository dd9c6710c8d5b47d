import type { JobProgress } from "../protocol/worker-link.ts";
import type { ComfyEvent, NodeState } from "./comfyui/frames.ts";
import type { NodeClasses } from "./workflow-nodes.ts";

/** How far a run has come. Immutable; `advance` makes the next one. */
export interface ProgressState {
  readonly classes: NodeClasses;
  readonly done: ReadonlySet<string>;
  /** The part done of each node at work, by the id that the submitted graph knows. */
  readonly running: ReadonlyMap<string, number>;
  /** The submitted node that an expanded one belongs to. */
  readonly owners: ReadonlyMap<string, string>;
  readonly currentNode: string | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly message: string | null;
  /** The greatest value so far; what is shown never goes back. */
  readonly value: number;
  /** Whether the server sends snapshots, which are exact also where nodes overlap. */
  readonly hasSnapshots: boolean;
}

const maxMessageLength = 500;

export function startProgress(classes: NodeClasses): ProgressState {
  return {
    classes,
    done: new Set(),
    running: new Map(),
    owners: new Map(),
    currentNode: null,
    step: null,
    steps: null,
    message: null,
    value: 0,
    hasSnapshots: false,
  };
}

/** The state after an event; the same object when nothing that is shown has changed. */
export function advance(state: ProgressState, event: ComfyEvent): ProgressState {
  switch (event.kind) {
    case "cached":
      return finish(state, event.nodes);
    case "executing":
      return event.nodeId === null ? state : withValue(enter(state, event.nodeId));
    case "step":
      return withValue(stepOf(state, event.nodeId, event.value, event.max));
    case "states":
      return withValue(snapshotOf(state, event.nodes));
    case "executed":
      return finish(state, [event.nodeId]);
    case "text":
      return { ...state, message: event.text.slice(0, maxMessageLength) };
    case "started":
    case "ended":
    case "preview":
    case "other":
      return state;
  }
}

export function toJobProgress(state: ProgressState): JobProgress {
  const { currentNode, step, steps, message, value } = state;
  return {
    value,
    nodesDone: state.done.size,
    nodesTotal: state.classes.size,
    currentNode,
    currentNodeClass: currentNode === null ? null : (state.classes.get(currentNode) ?? null),
    step,
    steps,
    message,
  };
}

function finish(state: ProgressState, nodes: readonly string[]): ProgressState {
  const done = union(state, nodes);
  return done === state.done ? state : withValue({ ...state, done });
}

function enter(state: ProgressState, nodeId: string): ProgressState {
  const shown = ownerOf(state, nodeId);
  if (shown === state.currentNode) return state;
  // Without snapshots, the next node's start is the only sign of this one's end.
  const ended = state.hasSnapshots || state.currentNode === null ? [] : [state.currentNode];
  const done = union(state, ended);
  const running = new Map([...state.running].filter(([id]) => !ended.includes(id)));
  const cleared = { step: null, steps: null, message: null };
  return { ...state, ...cleared, done, running, currentNode: shown };
}

function stepOf(state: ProgressState, nodeId: string, value: number, max: number): ProgressState {
  const shown = ownerOf(state, nodeId);
  const running = new Map(state.running);
  // The steps of a part that a node was expanded into say little of the whole node.
  if (shown === nodeId) running.set(shown, fraction(value, max));
  return { ...state, running, currentNode: shown, ...steps(value, max) };
}

function snapshotOf(state: ProgressState, nodes: readonly NodeState[]): ProgressState {
  const owners = new Map(state.owners);
  const running = new Map<string, number>();
  const finished: string[] = [];
  let { currentNode, step, steps: total } = state;
  for (const node of nodes) {
    const { nodeId, displayNodeId } = node;
    if (nodeId !== displayNodeId) owners.set(nodeId, displayNodeId);
    if (node.state === "finished") {
      if (nodeId === displayNodeId) finished.push(nodeId);
    } else if (node.state === "running") {
      const own = nodeId === displayNodeId ? fraction(node.value, node.max) : 0;
      running.set(displayNodeId, Math.max(running.get(displayNodeId) ?? 0, own));
      currentNode = displayNodeId;
      ({ step, steps: total } = steps(node.value, node.max));
    }
  }
  const done = union(state, finished);
  return { ...state, owners, running, done, currentNode, step, steps: total, hasSnapshots: true };
}

/** A node that reports no steps of its own counts as one step, which is not worth showing. */
function steps(value: number, max: number): Pick<ProgressState, "step" | "steps"> {
  if (max <= 1) return { step: null, steps: null };
  return { step: Math.round(value), steps: Math.round(max) };
}

function withValue(state: ProgressState): ProgressState {
  const total = state.classes.size;
  if (total === 0) return state;
  let weight = state.done.size;
  for (const [id, part] of state.running) {
    if (!state.done.has(id) && state.classes.has(id)) weight += part;
  }
  const value = Math.max(state.value, Math.min(1, weight / total));
  return value === state.value ? state : { ...state, value };
}

function union(state: ProgressState, nodes: readonly string[]): ReadonlySet<string> {
  const fresh = nodes.map((id) => ownerOf(state, id));
  const added = fresh.filter((id) => state.classes.has(id) && !state.done.has(id));
  return added.length === 0 ? state.done : new Set([...state.done, ...added]);
}

function ownerOf(state: ProgressState, nodeId: string): string {
  return state.classes.has(nodeId) ? nodeId : (state.owners.get(nodeId) ?? nodeId);
}

function fraction(value: number, max: number): number {
  return max > 0 ? Math.min(1, Math.max(0, value / max)) : 0;
}
