import type { JsonValue } from "../../kernel/json.ts";
import { NodeFault } from "../fault.ts";
import { output } from "./input-config.ts";
import type { InputConfig } from "../../workflow/node-class.ts";
import type { NodeDefinition } from "./node.ts";

/** The largest 64-bit integer, as near as a number comes to it. */
const widest = 2 ** 63;

/** A node that holds one value and gives it on. */
function primitive(name: string, displayName: string, config: InputConfig): NodeDefinition {
  const [type] = config;
  return {
    name,
    displayName,
    category: "utilities/primitive",
    pythonModule: "comfy_extras.nodes_primitive",
    required: { value: config },
    outputs: [output(typeof type === "string" ? type : "COMBO")],
    run: (inputs) => ({ values: [inputs.any("value") ?? null] }),
  };
}

export const primitives: readonly NodeDefinition[] = [
  primitive("PrimitiveInt", "Int", [
    "INT",
    { min: -widest, max: widest, control_after_generate: "fixed" },
  ]),
  primitive("PrimitiveFloat", "Float", ["FLOAT", { min: -widest, max: widest, step: 0.1 }]),
  primitive("PrimitiveString", "Text", ["STRING", { multiline: false }]),
  primitive("PrimitiveStringMultiline", "Text (Multiline)", ["STRING", { multiline: true }]),
  primitive("PrimitiveBoolean", "Boolean", ["BOOLEAN", {}]),
];

export const numberConvert: NodeDefinition = {
  name: "ComfyNumberConvert",
  displayName: "Convert Number",
  category: "utilities",
  pythonModule: "comfy_extras.nodes_number_convert",
  required: { value: ["INT,FLOAT,STRING,BOOLEAN", { display_name: "value" }] },
  outputs: [output("FLOAT"), output("INT")],
  run(inputs) {
    const given = inputs.any("value");
    const value =
      typeof given === "string" && given.trim() !== "" ? Number(given) : plainNumber(given);
    if (!Number.isFinite(value)) {
      throw new NodeFault("ValueError", `Cannot convert ${JSON.stringify(given)} to a number.`);
    }
    const both: JsonValue[] = [value, Math.trunc(value)];
    return { values: both };
  },
};

function plainNumber(value: unknown): number {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "number" ? value : Number.NaN;
}
