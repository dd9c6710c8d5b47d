import { HearthError } from "../kernel/errors.ts";

export interface NodeFault {
  readonly field: string;
  /** A short machine-readable reason, such as `missing_input`. */
  readonly reason: string;
}

const maxFaults = 100;
const maxTextLength = 200;

/** Gathers what is wrong with a workflow, node by node, up to a hundred faults of bounded length. */
export class NodeFaults {
  private readonly byNode = new Map<string, NodeFault[]>();
  private count = 0;

  add(nodeId: string, field: string, reason: string): void {
    this.count++;
    if (this.count > maxFaults) return;
    const key = clip(nodeId);
    const faults = this.byNode.get(key) ?? [];
    faults.push({ field: clip(field), reason: clip(reason) });
    this.byNode.set(key, faults);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** One error that names the first fault in words and all of them in `details.node_errors`. */
  toError(code: "invalid_workflow" | "missing_asset"): HearthError {
    const [[nodeId = "", faults = []] = []] = this.byNode;
    const { field = "", reason = "" } = faults[0] ?? {};
    const more = this.count > 1 ? ` (and ${this.count - 1} more)` : "";
    return new HearthError(code, {
      message: `Node ${nodeId.slice(0, 80)}, ${field.slice(0, 80)}: ${reason}${more}`,
      details: { node_errors: Object.fromEntries(this.byNode) },
    });
  }
}

/** Shortens a text, whole characters only, so that it stays well-formed. */
function clip(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength).toWellFormed()}…`;
}
