import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { strikes, type ComfyFaults } from "./comfyui-faults.ts";
import type { FakeSockets } from "./comfyui-sockets.ts";

export type FakeInput = string | number | readonly [nodeId: string, slot: number];

/** A node of a workflow that tests write: what it does is in its inputs. */
export interface FakeNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, FakeInput>>;
}

export interface FakePrompt {
  readonly promptId: string;
  readonly clientId: string;
  readonly workflow: Readonly<Record<string, FakeNode>>;
  readonly extraData: Readonly<Record<string, unknown>>;
  isInterrupted: boolean;
}

export interface RunContext {
  readonly folder: string;
  readonly faults: ComfyFaults;
  readonly sockets: FakeSockets;
  /** Outputs of earlier runs by node content, as ComfyUI's cache keeps them. */
  readonly cache: Map<string, Record<string, unknown>>;
  readonly nextNumber: () => number;
  readonly onCached: (nodes: readonly string[]) => void;
  readonly crash: () => void;
}

export interface FakeResult {
  readonly status: "success" | "error";
  readonly messages: (readonly [string, Record<string, unknown>])[];
  readonly outputs: Record<string, unknown>;
}

/** A complete PNG of one transparent pixel. */
export const onePixelPng = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

class Ended extends Error {
  readonly event: string;
  readonly data: Record<string, unknown>;

  constructor(event: string, data: Record<string, unknown>) {
    super(event);
    this.event = event;
    this.data = data;
  }
}

/** Runs a prompt node by node and tells its client, in ComfyUI's order of events. */
export async function runFakePrompt(context: RunContext, prompt: FakePrompt): Promise<FakeResult> {
  const { faults, sockets, cache, crash } = context;
  const { promptId, clientId, workflow } = prompt;
  const messages: FakeResult["messages"] = [];
  const outputs: Record<string, unknown> = {};
  const tell = (type: string, data: Record<string, unknown>): void => {
    sockets.send(clientId, type, { ...data, prompt_id: promptId });
    if (type.startsWith("execution_")) messages.push([type, { ...data, prompt_id: promptId }]);
  };
  if (strikes(faults, "socketResets")) sockets.cut();
  tell("execution_start", {});
  const keys = new Map(Object.keys(workflow).map((id) => [id, contentKey(workflow, id)]));
  const cached = [...keys].filter(([, key]) => cache.has(key)).map(([id]) => id);
  tell("execution_cached", { nodes: cached });
  context.onCached(cached);
  if (faults.liesAboutSuccess) {
    sockets.send(clientId, "execution_success", { prompt_id: promptId });
    sockets.send(clientId, "executing", { node: null, prompt_id: promptId });
  }
  try {
    for (const [id, node] of Object.entries(workflow)) {
      const key = keys.get(id) ?? "";
      const known = cache.get(key);
      if (known === undefined) tell("executing", { node: id, display_node: id });
      if (strikes(faults, "crashes")) crash();
      const made = known ?? (await runNode(context, prompt, id, node, tell));
      cache.set(key, made);
      if (Object.keys(made).length === 0) continue;
      outputs[id] = made;
      tell("executed", { node: id, display_node: id, output: made });
    }
  } catch (thrown) {
    if (!(thrown instanceof Ended)) throw thrown;
    tell(thrown.event, thrown.data);
    return { status: "error", messages, outputs };
  }
  tell("execution_success", {});
  return { status: "success", messages, outputs };
}

type Tell = (type: string, data: Record<string, unknown>) => void;

async function runNode(
  context: RunContext,
  prompt: FakePrompt,
  id: string,
  { class_type: className, inputs }: FakeNode,
  tell: Tell,
): Promise<Record<string, unknown>> {
  const { faults, sockets } = context;
  const at = { node_id: id, node_type: className };
  if (faults.blocksOutput) {
    tell("execution_error", { ...at, exception_type: "ExecutionBlocked", exception_message: "no" });
  }
  const error = faults.errors.shift();
  if (error !== undefined) throw new Ended("execution_error", { ...at, ...error });
  if (strikes(faults, "interruptions")) throw new Ended("execution_interrupted", at);
  if (strikes(faults, "hangs")) await hang(faults, prompt, at);
  const steps = Number(inputs["steps"] ?? 0);
  for (let step = 1; step <= steps; step++) {
    await delay(Number(inputs["step_ms"] ?? 0));
    if (prompt.isInterrupted) throw new Ended("execution_interrupted", at);
    tell("progress", { value: step, max: steps, node: id });
    sockets.sendPreview(prompt.clientId, prompt.promptId, id, onePixelPng);
  }
  return className.startsWith("Save") || className.startsWith("Preview")
    ? makeOutput(context, prompt, className, inputs)
    : {};
}

async function hang(
  faults: ComfyFaults,
  prompt: FakePrompt,
  at: Record<string, unknown>,
): Promise<void> {
  for (;;) {
    await delay(5);
    if (prompt.isInterrupted && !faults.ignoresInterrupts) {
      throw new Ended("execution_interrupted", at);
    }
  }
}

async function makeOutput(
  { folder, faults, nextNumber }: RunContext,
  { workflow }: FakePrompt,
  className: string,
  inputs: FakeNode["inputs"],
): Promise<Record<string, unknown>> {
  if (className === "PreviewText") return { text: [textOf(inputs["text"], "")] };
  const type = className === "PreviewImage" ? "temp" : "output";
  const filename = `${textOf(inputs["prefix"], "fake")}_${nextNumber()}_.${textOf(inputs["extension"], "png")}`;
  const subfolder = textOf(inputs["subfolder"], "");
  let bytes: Buffer = onePixelPng;
  const source = workflow[linkOf(inputs["image"]) ?? ""];
  if (source?.class_type === "LoadImage") {
    bytes = await readFile(join(folder, "input", textOf(source.inputs["image"], "")));
  } else if (inputs["bytes"] !== undefined) {
    bytes = Buffer.alloc(Number(inputs["bytes"]), textOf(inputs["prefix"], "fake"));
  }
  if (strikes(faults, "emptyFiles")) bytes = Buffer.alloc(0);
  if (strikes(faults, "truncatedFiles")) bytes = bytes.subarray(0, bytes.length - 20);
  await mkdir(join(folder, type, subfolder), { recursive: true });
  await writeFile(join(folder, type, subfolder, filename), bytes);
  return { images: [{ filename, subfolder, type }], animated: [false] };
}

/** A node's class, inputs and everything before it, as the key of the cache. */
function contentKey(workflow: FakePrompt["workflow"], id: string): string {
  const node = workflow[id];
  if (node === undefined) return "";
  const inputs = Object.entries(node.inputs).map(([name, value]) => [
    name,
    contentKey(workflow, linkOf(value) ?? "") || value,
  ]);
  return JSON.stringify([node.class_type, inputs]);
}

function textOf(input: FakeInput | undefined, otherwise: string): string {
  return typeof input === "string" ? input : otherwise;
}

function linkOf(input: FakeInput | undefined): string | undefined {
  return typeof input === "object" ? input[0] : undefined;
}
