import type { JsonObject } from "../../kernel/json.ts";
import { isJsonObject } from "../../kernel/json.ts";
import { NodeFault } from "../fault.ts";
import { ImageBatch, Latent, MaskBatch, type NodeValue } from "../values.ts";

/**
 * The inputs of one run, read by kind. Validation does not look at literals of linked types (nor
 * does ComfyUI), so every read checks. Errors: `NodeFault` TypeError.
 */
export class NodeInputs {
  readonly #values: ReadonlyMap<string, NodeValue>;

  constructor(values: ReadonlyMap<string, NodeValue>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.get(name) !== undefined;
  }

  image(name: string): ImageBatch {
    const value = this.#values.get(name);
    return value instanceof ImageBatch ? value : mismatch(name, "an image");
  }

  optionalImage(name: string): ImageBatch | undefined {
    return this.has(name) ? this.image(name) : undefined;
  }

  mask(name: string): MaskBatch {
    const value = this.#values.get(name);
    return value instanceof MaskBatch ? value : mismatch(name, "a mask");
  }

  optionalMask(name: string): MaskBatch | undefined {
    return this.has(name) ? this.mask(name) : undefined;
  }

  latent(name: string): Latent {
    const value = this.#values.get(name);
    return value instanceof Latent ? value : mismatch(name, "a latent");
  }

  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value === "boolean") return Number(value);
    return typeof value === "number" ? value : mismatch(name, "a number");
  }

  integer(name: string): number {
    return Math.trunc(this.number(name));
  }

  integerOr(name: string, fallback: number): number {
    return this.has(name) ? this.integer(name) : fallback;
  }

  text(name: string): string {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : mismatch(name, "a text");
  }

  flag(name: string): boolean {
    const value = this.#values.get(name);
    return typeof value === "boolean" ? value : Boolean(this.number(name));
  }

  flagOr(name: string, fallback: boolean): boolean {
    return this.has(name) ? this.flag(name) : fallback;
  }

  object(name: string): JsonObject {
    const value = this.#values.get(name);
    return isJsonObject(value) && isPlain(value) ? value : mismatch(name, "an object");
  }

  any(name: string): NodeValue | undefined {
    return this.#values.get(name);
  }
}

function isPlain(value: object): boolean {
  return !(value instanceof ImageBatch || value instanceof MaskBatch || value instanceof Latent);
}

function mismatch(name: string, expected: string): never {
  throw new NodeFault("TypeError", `The input "${name}" must be ${expected}.`);
}
