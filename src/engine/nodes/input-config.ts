import type { JsonValue } from "../../kernel/json.ts";
import type { InputConfig } from "../../workflow/node-class.ts";

type Options = Readonly<Record<string, JsonValue>>;

/** The largest side that ComfyUI's nodes accept. */
export const maxSide = 16384;

/** An input that only a link can fill. */
export function link(type: "IMAGE" | "MASK" | "LATENT" | "MODEL" | "CLIP" | "*"): InputConfig {
  return [type, {}];
}

export function int(
  fallback: number,
  min: number,
  max: number,
  options: Options = {},
): InputConfig {
  return ["INT", { default: fallback, min, max, step: 1, ...options }];
}

export function float(
  fallback: number,
  min: number,
  max: number,
  step: number,
  options: Options = {},
): InputConfig {
  return ["FLOAT", { default: fallback, min, max, step, ...options }];
}

export function boolean(fallback: boolean, options: Options = {}): InputConfig {
  return ["BOOLEAN", { default: fallback, ...options }];
}

export function text(fallback: string, options: Options = {}): InputConfig {
  return ["STRING", { default: fallback, multiline: false, ...options }];
}

export function combo(options: readonly string[], extra: Options = {}): InputConfig {
  return ["COMBO", { multiselect: false, options, ...extra }];
}

/** The older spelling, in which the list itself is the type; clients read it as `config[0]`. */
export function listCombo(options: readonly string[], extra: Options = {}): InputConfig {
  return [options, extra];
}

/** The seeds of ComfyUI: all 64 bits. Larger ones than 2^53 lose precision in JSON, as everywhere. */
export const seed: InputConfig = int(0, 0, 2 ** 64, {
  control_after_generate: true,
});

/** The output of a one-output node that names its output after its type. */
export function output(type: string, name: string = type): { type: string; name: string } {
  return { type, name };
}
