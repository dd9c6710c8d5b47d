import { combo, output, text } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

const module = "comfy_extras.nodes_string";
const words = (): ReturnType<typeof text> => ["STRING", { multiline: true }];

export const stringConcatenate: NodeDefinition = {
  name: "StringConcatenate",
  displayName: "Concatenate Text",
  category: "text",
  pythonModule: module,
  required: { string_a: words(), string_b: words(), delimiter: text("") },
  outputs: [output("STRING")],
  run(inputs) {
    const parts = [inputs.text("string_a"), inputs.text("string_b")];
    return { values: [parts.join(inputs.text("delimiter"))] };
  },
};

export const stringReplace: NodeDefinition = {
  name: "StringReplace",
  displayName: "Replace Text",
  category: "text",
  pythonModule: module,
  required: { string: words(), find: words(), replace: words() },
  outputs: [output("STRING")],
  run(inputs) {
    const replacement = inputs.text("replace");
    // As a function, so that "$&" and the like stay plain text.
    const result = inputs.text("string").replaceAll(inputs.text("find"), () => replacement);
    return { values: [result] };
  },
};

export const stringLength: NodeDefinition = {
  name: "StringLength",
  displayName: "Text Length",
  category: "text",
  pythonModule: module,
  required: { string: words() },
  outputs: [output("INT", "length")],
  // Code points, as Python counts, not UTF-16 units.
  run: (inputs) => ({ values: [Array.from(inputs.text("string")).length] }),
};

const trims: Readonly<Record<string, (value: string) => string>> = {
  Both: (value) => value.trim(),
  Left: (value) => value.trimStart(),
  Right: (value) => value.trimEnd(),
};

export const stringTrim: NodeDefinition = {
  name: "StringTrim",
  displayName: "Trim Text",
  category: "text",
  pythonModule: module,
  required: { string: words(), mode: combo(Object.keys(trims)) },
  outputs: [output("STRING")],
  run(inputs) {
    const trim = trims[inputs.text("mode")] ?? ((value: string): string => value.trim());
    return { values: [trim(inputs.text("string"))] };
  },
};
