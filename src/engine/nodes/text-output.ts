import { FileSaver } from "../save-file.ts";
import { describeValue, type NodeValue } from "../values.ts";
import { combo, link, output, text } from "./input-config.ts";
import { saveHidden, type NodeDefinition } from "./node.ts";
import { references } from "./save-image.ts";

export const previewAny: NodeDefinition = {
  name: "PreviewAny",
  displayName: "Preview as Text",
  category: "utilities",
  description: "Preview any input value as text.",
  pythonModule: "comfy_extras.nodes_preview_any",
  required: { source: link("*") },
  outputs: [output("STRING")],
  isOutput: true,
  run(inputs) {
    const words = toText(inputs.any("source"));
    return { values: [words], ui: { text: [words] } };
  },
};

/** A value as ComfyUI would print it: Python's spelling for flags and nothing. */
function toText(value: NodeValue | undefined): string {
  const plain = describeValue(value);
  if (typeof plain === "string") return plain;
  if (plain === null) return "None";
  if (typeof plain === "boolean") return plain ? "True" : "False";
  return JSON.stringify(plain);
}

const formats = ["txt", "csv", "md", "json"];

export const saveText: NodeDefinition = {
  name: "SaveText",
  displayName: "Save Text",
  category: "text",
  description: "Save text content to a file in the output directory.",
  pythonModule: "comfy_extras.nodes_text",
  required: {
    text: ["STRING", { forceInput: true, multiline: false }],
    filename_prefix: text("ComfyUI"),
    format: combo(formats, { default: "txt" }),
  },
  hidden: saveHidden,
  outputs: [output("STRING", "text")],
  isOutput: true,
  async run(inputs, context) {
    const words = inputs.text("text");
    const saver = await FileSaver.open({
      folders: context.folders,
      type: "output",
      prefix: inputs.text("filename_prefix"),
      width: 0,
      height: 0,
      nowMs: context.nowMs(),
    });
    const file = await saver.save(Buffer.from(words), `.${inputs.text("format")}`);
    return { values: [words], ui: { text: [words], files: references([file]) } };
  },
};
