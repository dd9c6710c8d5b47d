import { describe, expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import { parseLosslessJson } from "../../kernel/lossless-json.ts";
import { parseNodeCatalogue } from "../node-class.ts";
import { checkAgainstCatalogue } from "./catalogue-check.ts";

function classOf(required: JsonObject, output: string[], isOutput = false): JsonValue {
  return { input: { required }, output, output_name: output, output_node: isOutput };
}

const catalogue = parseNodeCatalogue({
  Load: classOf({ name: [["a.safetensors", "b.safetensors"]] }, ["MODEL"]),
  Sample: classOf(
    {
      model: ["MODEL"],
      seed: ["INT", { min: 0, max: 2 ** 64 }],
      steps: ["INT", { min: 1, max: 100 }],
    },
    ["LATENT"],
  ),
  Save: classOf({ latent: ["LATENT"] }, [], true),
  Batch: classOf(
    {
      images: [
        "COMFY_AUTOGROW_V3",
        {
          template: {
            input: { required: { image: ["LATENT", {}] } },
            prefix: "image",
            min: 2,
            max: 50,
          },
        },
      ],
      mode: [
        "COMFY_DYNAMICCOMBO_V3",
        {
          options: [
            { key: "fast", inputs: { required: { level: ["INT", { min: 0, max: 9 }] } } },
            { key: "off", inputs: { required: {} } },
          ],
        },
      ],
    },
    ["COMFY_MATCHTYPE_V3"],
    true,
  ),
});

const sound = {
  "1": { class_type: "Load", inputs: { name: "a.safetensors" } },
  "2": { class_type: "Sample", inputs: { model: ["1", 0], seed: 5, steps: 20 } },
  "3": { class_type: "Save", inputs: { latent: ["2", 0] } },
};

/** The types of what is wrong, node by node. */
function faults(api: JsonObject): Record<string, readonly string[]> {
  const { nodeErrors } = checkAgainstCatalogue(api, catalogue);
  return Object.fromEntries(
    Object.entries(nodeErrors).map(([id, { errors }]) => [id, errors.map(({ type }) => type)]),
  );
}

describe("a workflow held against a catalogue", () => {
  test("is sound where all is as the classes say, seeds of 64 bits included", () => {
    expect(checkAgainstCatalogue(sound, catalogue)).toEqual({ error: null, nodeErrors: {} });
    const text = JSON.stringify(sound).replace('"seed":5', '"seed":18446744073709551615');
    expect(
      checkAgainstCatalogue(parseLosslessJson(text) as JsonObject, catalogue).error,
    ).toBeNull();
  });

  test("names a class that is missing, and the nearest one", () => {
    const { error } = checkAgainstCatalogue(
      { ...sound, "4": { class_type: "Samples", inputs: {} } },
      catalogue,
    );
    expect(error).toMatchObject({
      type: "missing_node_type",
      message: expect.stringContaining("Did you mean Sample?"),
      extra_info: { node_id: "4", class_type: "Samples" },
    });
  });

  test("has ComfyUI's errors for values out of range, not in the list, and links of a wrong type", () => {
    const wrong = {
      ...sound,
      "1": { class_type: "Load", inputs: { name: "gone.safetensors" } },
      "2": { class_type: "Sample", inputs: { model: ["1", 0], seed: 5, steps: 1000 } },
    };
    expect(faults(wrong)).toEqual({ "1": ["value_not_in_list"], "2": ["value_bigger_than_max"] });
    expect(faults({ ...sound, "3": { class_type: "Save", inputs: { latent: ["1", 0] } } })).toEqual(
      {
        "3": ["return_type_mismatch"],
      },
    );
    expect(
      faults({ ...sound, "2": { class_type: "Sample", inputs: { model: ["1", 0], seed: 1 } } }),
    ).toEqual({
      "2": ["required_input_missing"],
    });
  });

  test("ends cycles, and says where nothing comes out", () => {
    const cyclic = {
      "1": { class_type: "Sample", inputs: { model: ["1", 0], seed: 1, steps: 1 } },
      "2": { class_type: "Save", inputs: { latent: ["1", 0] } },
    };
    expect(Object.values(faults(cyclic)).flat().length).toBeGreaterThan(0);
    const { error } = checkAgainstCatalogue({ "1": sound["1"] }, catalogue);
    expect(error?.type).toBe("prompt_no_outputs");
  });

  test("asks of dynamic inputs what their values call for", () => {
    const batch = (inputs: JsonObject): JsonObject => ({
      ...sound,
      "4": { class_type: "Batch", inputs },
    });
    const grown = {
      "images.image0": ["2", 0],
      "images.image1": ["2", 0],
      "images.image2": ["2", 0],
    };
    expect(faults(batch({ ...grown, mode: "fast", "mode.level": 3 }))).toEqual({});
    expect(faults(batch({ ...grown, mode: "fast" }))).toEqual({ "4": ["required_input_missing"] });
    expect(faults(batch({ ...grown, mode: "off" }))).toEqual({});
    expect(faults(batch({ ...grown, mode: "slow" }))).toEqual({ "4": ["value_not_in_list"] });
    expect(faults(batch({ "images.image0": ["2", 0], mode: "off" }))).toEqual({
      "4": ["required_input_missing"],
    });
    expect(faults(batch({ ...grown, "images.image2": ["1", 0], mode: "off" }))).toEqual({
      "4": ["return_type_mismatch"],
    });
  });
});
