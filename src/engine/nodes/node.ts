import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import type { InputTable, NodeOutput } from "../../workflow/node-class.ts";
import type { EngineFolders } from "../files.ts";
import type { NodeValue } from "../values.ts";
import type { NodeInputs } from "./inputs.ts";

/** One node of the graph at work. */
export interface RunContext {
  readonly nodeId: string;
  readonly folders: EngineFolders;
  /** The whole prompt, which the save nodes embed. */
  readonly prompt: JsonObject;
  readonly extraPngInfo: JsonObject | undefined;
  readonly previews: boolean;
  /** Local time for file names, milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Lets other work run; throws `Interrupted` once the prompt is cancelled. */
  readonly pause: () => Promise<void>;
  /** Waits; ends early with `Interrupted` when the prompt is cancelled. */
  sleep(durationMs: number): Promise<void>;
  /** Tells how far the node is; `preview` is a JPEG for the client that submitted the prompt. */
  progress(value: number, max: number, preview?: Uint8Array): void;
}

export interface NodeResult {
  readonly values: readonly NodeValue[];
  /** What `executed` and the history show: lists by kind, such as `images`. */
  readonly ui?: Readonly<Record<string, readonly JsonValue[]>>;
}

export interface NodeDefinition {
  readonly name: string;
  readonly displayName: string;
  readonly category: string;
  readonly description?: string;
  /** The module in which ComfyUI has this node; ours for what it does not have. */
  readonly pythonModule: string;
  readonly required: InputTable;
  readonly optional?: InputTable;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly outputs: readonly NodeOutput[];
  readonly isOutput?: boolean;
  readonly deprecated?: boolean;
  /** Inputs that name a file of the input folder: validated, hashed for the cache, listed. */
  readonly fileInputs?: readonly string[];
  /** Why this class cannot run here at all; shown when a prompt uses it. */
  readonly refusal?: string;
  run(inputs: NodeInputs, context: RunContext): Promise<NodeResult> | NodeResult;
}

/** The common hidden inputs of nodes that write files. */
export const saveHidden = { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" } as const;
