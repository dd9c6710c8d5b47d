import { describe, expect, it } from "vitest";
import { parseGraph } from "../workflow/check/prompt-graph.ts";
import { builtInNodes } from "./nodes/registry.ts";
import {
  validatePrompt,
  type InvalidPrompt,
  type ValidPrompt,
} from "../workflow/check/validate-prompt.ts";
import { modelHint } from "./nodes/loaders.ts";

const empty = {
  class_type: "EmptyImage",
  inputs: { width: 64, height: 64, batch_size: 1, color: 5 },
};

function save(source: unknown = ["1", 0]): object {
  return { class_type: "SaveImage", inputs: { images: source, filename_prefix: "a" } };
}

function validate(
  prompt: unknown,
  files: readonly string[] = [],
  targets?: readonly string[],
): { valid?: ValidPrompt; invalid?: InvalidPrompt } {
  const graph = parseGraph(prompt);
  if (!graph.ok) throw new Error(graph.error);
  const result = validatePrompt({
    graph: graph.value,
    classOf: ({ className = "" }) => builtInNodes.get(className),
    hintFor: modelHint,
    existingFiles: new Set(files),
    targets: targets && new Set(targets),
  });
  return result.ok ? { valid: result.value } : { invalid: result.error };
}

/** The errors of one node of a prompt that is wholly refused. */
function errorsOf(prompt: unknown, id: string): unknown {
  return validate(prompt).invalid?.nodeErrors[id]?.errors;
}

describe("prompt validation", () => {
  it("accepts a prompt and converts its literals as Python would", () => {
    const inputs = { width: "64", height: 64.9, batch_size: true, color: 5, unknown: 1 };
    const { valid } = validate({ 1: { ...empty, inputs }, 2: save() });
    expect(valid?.outputs).toEqual(["2"]);
    const converted = Object.fromEntries(valid?.inputs.get("1") ?? []);
    expect(converted).toEqual({ width: 64, height: 64, batch_size: 1, color: 5 });
  });

  it("names the class that does not exist, wherever it stands", () => {
    const stranger = { class_type: "NoSuchNode", inputs: {}, _meta: { title: "My title" } };
    expect(validate({ 1: empty, 2: save(), 7: stranger }).invalid?.error).toEqual({
      type: "missing_node_type",
      message: "Node 'My title' not found. The custom node may not be installed.",
      details: "Node ID '#7'",
      extra_info: { node_id: "7", class_type: "NoSuchNode", node_title: "My title" },
    });
  });

  it("tells the way out when a prompt needs a model", () => {
    const sampler = validate({ 1: { class_type: "KSampler", inputs: {} }, 2: save() });
    expect(sampler.invalid?.error.message).toMatch(/--comfyui-dir or --comfyui-url/u);
    const loader = { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "x.safetensors" } };
    const preview = { class_type: "PreviewAny", inputs: { source: ["1", 0] } };
    expect(errorsOf({ 1: loader, 2: preview }, "1")).toEqual([
      {
        type: "custom_validation_failed",
        message: "Custom validation failed for node",
        details:
          "The built-in engine runs no models. Attach a real ComfyUI with --comfyui-dir or --comfyui-url.",
        extra_info: { input_name: "ckpt_name" },
      },
    ]);
  });

  it("refuses a prompt without outputs, or without the wanted ones", () => {
    expect(validate({ 1: empty }).invalid?.error.type).toBe("prompt_no_outputs");
    expect(validate({}).invalid?.error.type).toBe("prompt_no_outputs");
    const none = validate({ 1: empty, 2: save() }, [], ["1"]);
    expect(none.invalid?.error.type).toBe("prompt_no_outputs");
    expect(validate({ 1: empty, 2: save(), 3: save() }, [], ["3"]).valid?.outputs).toEqual(["3"]);
  });

  it("reports bounds with the input's own config", () => {
    const prompt = {
      1: { ...empty, inputs: { width: 0, height: 99_999, batch_size: 1 } },
      2: save(),
    };
    const { invalid } = validate(prompt);
    expect(invalid?.error).toEqual({
      type: "prompt_outputs_failed_validation",
      message: "Prompt outputs failed validation",
      details: "",
      extra_info: {},
    });
    const config = ["INT", { default: 512, min: 1, max: 16384, step: 1 }];
    expect(invalid?.nodeErrors).toEqual({
      1: {
        errors: [
          {
            type: "value_smaller_than_min",
            message: "Value 0 smaller than min of 1",
            details: "width",
            extra_info: { input_name: "width", input_config: config, received_value: 0 },
          },
          {
            type: "value_bigger_than_max",
            message: "Value 99999 bigger than max of 16384",
            details: "height",
            extra_info: { input_name: "height", input_config: config, received_value: 99_999 },
          },
          {
            type: "required_input_missing",
            message: "Required input is missing",
            details: "color",
            extra_info: { input_name: "color" },
          },
        ],
        dependent_outputs: ["2"],
        class_type: "EmptyImage",
      },
    });
  });

  it("reports literals that cannot be converted", () => {
    const text = { 1: { ...empty, inputs: { ...empty.inputs, width: "wide" } }, 2: save() };
    expect(errorsOf(text, "1")).toMatchObject([
      {
        type: "invalid_input_type",
        message: "Failed to convert an input value to a INT value",
        details: "width, wide, invalid literal for int() with base 10: 'wide'",
      },
    ]);
    const nothing = { 1: { ...empty, inputs: { ...empty.inputs, width: null } }, 2: save() };
    expect(errorsOf(nothing, "1")).toMatchObject([
      { details: expect.stringMatching(/^width, None, int\(\) argument must be .* 'NoneType'$/u) },
    ]);
  });

  it("reports options that are not in the list, in both spellings of a combo", () => {
    const scale = {
      class_type: "ImageScale",
      inputs: { image: ["1", 0], upscale_method: "magic", width: 8, height: 8, crop: "disabled" },
    };
    expect(errorsOf({ 1: empty, 3: scale, 2: save(["3", 0]) }, "3")).toMatchObject([
      {
        type: "value_not_in_list",
        details:
          "upscale_method: 'magic' not in ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos']",
      },
    ]);
    const flip = { class_type: "ImageFlip", inputs: { image: ["1", 0], flip_method: "z" } };
    expect(errorsOf({ 1: empty, 3: flip, 2: save(["3", 0]) }, "3")).toMatchObject([
      { type: "value_not_in_list", extra_info: { received_value: "z" } },
    ]);
  });

  it("reports broken links", () => {
    expect(errorsOf({ 1: empty, 2: save(["1", 0, 0]) }, "2")).toMatchObject([
      { type: "bad_linked_input", details: "images", extra_info: { received_value: ["1", 0, 0] } },
    ]);
    const latent = {
      class_type: "EmptyLatentImage",
      inputs: { width: 64, height: 64, batch_size: 1 },
    };
    expect(errorsOf({ 1: latent, 2: save() }, "2")).toMatchObject([
      {
        type: "return_type_mismatch",
        details: "images, received_type(LATENT) mismatch input_type(IMAGE)",
        extra_info: { received_type: "LATENT", linked_node: ["1", 0] },
      },
    ]);
    for (const [link, details] of [
      [["99", 0], "'99'"],
      [[1, 0], "1"],
      [["1", 3], "tuple index out of range"],
      [["1", "0"], "tuple indices must be integers or slices, not str"],
    ] as const) {
      expect(errorsOf({ 1: empty, 2: save(link) }, "2")).toMatchObject([
        { type: "exception_during_validation", details },
      ]);
    }
    // As in Python, a negative slot counts from the end.
    expect(validate({ 1: empty, 2: save(["1", -1]) }).valid?.outputs).toEqual(["2"]);
  });

  it("blames the node behind a link for what is broken there", () => {
    const prompt = { 1: { class_type: "EmptyImage" }, 2: save() };
    expect(errorsOf(prompt, "1")).toMatchObject([
      {
        type: "exception_during_inner_validation",
        details: "'inputs'",
        extra_info: { input_name: "images", linked_node: ["1", 0] },
      },
    ]);
  });

  it("finds cycles and shows their path", () => {
    const invert = (source: string): object => ({
      class_type: "ImageInvert",
      inputs: { image: [source, 0] },
    });
    const { invalid } = validate({ 1: invert("3"), 3: invert("1"), 2: save() });
    const details = "1 (ImageInvert) -> 3 (ImageInvert) -> 1 (ImageInvert)";
    const error = { type: "dependency_cycle", message: "Dependency cycle detected", details };
    expect(invalid?.nodeErrors).toMatchObject({
      1: { errors: [{ ...error, extra_info: { node_id: "1", cycle_nodes: ["1", "3"] } }] },
      3: { errors: [{ ...error, extra_info: { node_id: "3", cycle_nodes: ["1", "3"] } }] },
    });
    expect(errorsOf({ 1: invert("1"), 2: save() }, "1")).toMatchObject([
      { details: "1 (ImageInvert) -> 1 (ImageInvert)" },
    ]);
  });

  it("asks whether the files of loaders exist", () => {
    const load = { class_type: "LoadImage", inputs: { image: "there.png" } };
    expect(validate({ 1: load, 2: save() }, ["there.png"]).valid?.outputs).toEqual(["2"]);
    expect(errorsOf({ 1: load, 2: save() }, "1")).toMatchObject([
      { type: "custom_validation_failed", details: "image - Invalid image file: there.png" },
    ]);
  });

  it("drops outputs with errors while another is good, and says so", () => {
    const { valid } = validate({ 1: empty, 2: save(), 3: save(["99", 0]) });
    expect(valid?.outputs).toEqual(["2"]);
    expect(valid?.nodeErrors).toMatchObject({
      3: { dependent_outputs: ["3"], class_type: "SaveImage" },
    });
  });

  it("names for each error only the outputs that depend on it", () => {
    const bad = { ...empty, inputs: { ...empty.inputs, width: 0 } };
    const { invalid } = validate({ 1: bad, 2: save(), 3: save(), 4: save(["98", 0]) });
    expect(invalid?.nodeErrors["1"]?.dependent_outputs).toEqual(["2", "3"]);
    expect(invalid?.nodeErrors["4"]?.dependent_outputs).toEqual(["4"]);
  });

  it("ignores bad nodes that no output needs", () => {
    const bad = { class_type: "EmptyImage", inputs: { width: "bad" } };
    expect(validate({ 1: empty, 2: save(), 7: bad }).valid?.nodeErrors).toEqual({});
  });

  it("treats __proto__ as an id like any other", () => {
    const text = `{"__proto__": ${JSON.stringify(empty)}, "2": ${JSON.stringify(save(["__proto__", 0]))}}`;
    expect(validate(JSON.parse(text)).valid?.outputs).toEqual(["2"]);
    const broken = `{"__proto__": {"class_type": "EmptyImage", "inputs": {}}, "2": ${JSON.stringify(save(["__proto__", 0]))}}`;
    const errors = validate(JSON.parse(broken)).invalid?.nodeErrors ?? {};
    expect(Object.hasOwn(errors, "__proto__")).toBe(true);
    expect(errors["constructor"]).not.toHaveProperty("errors");
  });

  it("follows a chain of 200,000 nodes", () => {
    const chain: Record<string, unknown> = { 0: empty };
    const length = 200_000;
    for (let at = 1; at < length; at++) {
      chain[`n${at}`] = {
        class_type: "ImageInvert",
        inputs: { image: [at === 1 ? "0" : `n${at - 1}`, 0] },
      };
    }
    chain["end"] = save([`n${length - 1}`, 0]);
    expect(validate(chain).valid?.inputs.size).toBe(length + 1);
    delete chain["0"];
    expect(Object.keys(validate(chain).invalid?.nodeErrors ?? {})).toEqual(["n1"]);
  });
});
