import type { JsonValue } from "../kernel/json.ts";
import { asLink } from "./links.ts";
import type { Workflow, WorkflowNode } from "./parse.ts";

/** The largest thing that a workflow says it makes. */
export interface PictureSize {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Pictures of a batch times frames of a video. */
  readonly frames: number;
}

/** Inputs that multiply the number of pictures; a node may have several. */
const frameInputs = ["batch_size", "length", "num_frames", "video_frames", "amount"] as const;
/** Where nodes that only hold a value hold it. */
const valueInputs = ["value", "int", "number", "Number", "float", "a"] as const;
const maxHops = 8;
const maxSidePx = 1 << 20;
const maxFrames = 1 << 20;

/**
 * The largest `width` × `height` × frames that any node names, through links to nodes that hold a
 * number. Undefined where none does, as when the size is that of an uploaded picture.
 */
export function pictureSizeOf(workflow: Workflow): PictureSize | undefined {
  let largest: PictureSize | undefined;
  for (const node of workflow.values()) {
    const size = sizeOfNode(node, workflow);
    if (size !== undefined && pixelsOf(size) > pixelsOf(largest)) largest = size;
  }
  return largest;
}

/** All pixels of all frames. */
export function pixelsOf(size: PictureSize | undefined): number {
  return size === undefined ? 0 : size.widthPx * size.heightPx * size.frames;
}

function sizeOfNode(node: WorkflowNode, workflow: Workflow): PictureSize | undefined {
  const frames = frameInputs.reduce((product, name) => {
    const count = numberOf(node.inputs[name], workflow);
    return count === undefined || count < 1 ? product : product * count;
  }, 1);
  const sides = sidesOf(node, workflow);
  if (sides === undefined) return undefined;
  const [widthPx, heightPx] = sides;
  return { widthPx, heightPx, frames: Math.min(Math.trunc(frames), maxFrames) };
}

function sidesOf(
  { inputs }: WorkflowNode,
  workflow: Workflow,
): readonly [number, number] | undefined {
  const megapixels = numberOf(inputs["megapixels"], workflow);
  if (megapixels !== undefined && megapixels > 0) {
    const side = Math.min(Math.round(Math.sqrt(megapixels) * 1024), maxSidePx);
    return [side, side];
  }
  const width = numberOf(inputs["width"], workflow);
  const height = numberOf(inputs["height"], workflow);
  if (width === undefined || height === undefined || width < 1 || height < 1) return undefined;
  return [Math.min(Math.trunc(width), maxSidePx), Math.min(Math.trunc(height), maxSidePx)];
}

/** A finite number, written here or in a node that only holds it. */
function numberOf(start: JsonValue | undefined, workflow: Workflow): number | undefined {
  let value = start;
  for (let hop = 0; hop < maxHops && value !== undefined; hop++) {
    if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
    const source: WorkflowNode | undefined = workflow.get(asLink(value)?.[0] ?? "");
    const name: string | undefined = valueInputs.find(
      (input) => source?.inputs[input] !== undefined,
    );
    value = name === undefined ? undefined : source?.inputs[name];
  }
  return undefined;
}
