import { describe, expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import { parseNodeCatalogue, type NodeCatalogue } from "../node-class.ts";
import { convertToApi } from "./convert.ts";
import { parseUiDocument } from "./document.ts";

const maxNodes = 1000;

/** Classes as `/object_info` describes them: required inputs and the types of the outputs. */
function catalogueOf(
  classes: Readonly<Record<string, readonly [JsonObject, string[]]>>,
): NodeCatalogue {
  return parseNodeCatalogue(
    Object.fromEntries(
      Object.entries(classes).map(([name, [required, output]]) => [
        name,
        { input: { required }, output, output_name: output, python_module: "nodes" },
      ]),
    ),
  );
}

const catalogue = catalogueOf({
  Loader: [{ name: [["a.safetensors"]] }, ["MODEL"]],
  Patch: [{ model: ["MODEL"], strength: ["FLOAT", { default: 1 }] }, ["MODEL"]],
  Sampler: [
    {
      model: ["MODEL"],
      seed: ["INT", { control_after_generate: true }],
      steps: ["INT", { default: 20 }],
    },
    ["LATENT"],
  ],
  Save: [{ latent: ["LATENT"], prefix: ["STRING", {}] }, []],
  Text: [{ text: ["STRING", { forceInput: true }] }, ["STRING"]],
});

interface NodeDraft {
  readonly id: number;
  readonly type: string;
  readonly mode?: number;
  readonly inputs?: JsonValue;
  readonly outputs?: JsonValue;
  readonly widgets_values?: JsonValue;
  readonly properties?: JsonObject;
}

function convert(document: JsonObject, classes = catalogue): Record<string, JsonObject> {
  const parsed = parseUiDocument(document, { maxNodes });
  if (!parsed.ok) throw parsed.error;
  const converted = convertToApi(parsed.value, classes, { maxNodes });
  if (!converted.ok) throw converted.error;
  const entries = Object.entries(converted.value.workflow);
  return Object.fromEntries(entries.map(([id, { inputs }]) => [id, inputs]));
}

function ui(nodes: readonly NodeDraft[], links: JsonValue, more: JsonObject = {}): JsonObject {
  return { last_node_id: 99, version: 0.4, nodes: nodes as unknown as JsonValue, links, ...more };
}

function socket(name: string, type: string, link: number | null): JsonObject {
  return { name, type, link };
}

function widgetSocket(name: string, type: string, link: number | null): JsonObject {
  return { name, type, link, widget: { name } };
}

const loader: NodeDraft = {
  id: 1,
  type: "Loader",
  outputs: [{ name: "MODEL", type: "MODEL" }],
  widgets_values: ["a.safetensors"],
};
const sampler: NodeDraft = {
  id: 2,
  type: "Sampler",
  inputs: [socket("model", "MODEL", 10)],
  outputs: [{ name: "LATENT", type: "LATENT" }],
  widgets_values: [7, "randomize", 30],
};

describe("widgets", () => {
  test("are counted off in the order of the class, past what belongs to the editor only", () => {
    expect(convert(ui([loader, sampler], [[10, 1, 0, 2, 0, "MODEL"]]))).toEqual({
      "1": { name: "a.safetensors" },
      "2": { model: ["1", 0], seed: 7, steps: 30 },
    });
  });

  test("may come by name, and a list among them is wrapped so that it is no link", () => {
    const named = { ...sampler, inputs: [], widgets_values: { seed: 5, points: [1, 2] } };
    expect(convert(ui([named], []))).toEqual({ "2": { seed: 5, points: { __value__: [1, 2] } } });
  });

  test("of which the file has too few take the default of the class", () => {
    expect(convert(ui([{ ...sampler, inputs: [], widgets_values: [7, "fixed"] }], []))).toEqual({
      "2": { seed: 7, steps: 20 },
    });
  });

  test("of a class that nobody knows go by the names in the file", () => {
    const unknown = {
      id: 3,
      type: "Elsewhere",
      inputs: [
        socket("model", "MODEL", null),
        widgetSocket("seed", "INT", null),
        widgetSocket("cfg", "FLOAT", null),
      ],
      widgets_values: [9, "fixed", 6.5],
    };
    expect(convert(ui([unknown], []))).toEqual({ "3": { seed: 9, cfg: 6.5 } });
  });

  test("of a chosen option follow it, each under the name of the option", () => {
    const format = {
      options: [
        { key: "png", inputs: { required: { depth: ["INT", {}] } } },
        {
          key: "jpeg",
          inputs: {
            required: {
              quality: ["INT", {}],
              mode: [
                "COMFY_DYNAMICCOMBO_V3",
                { options: [{ key: "x", inputs: { required: { y: ["INT", {}] } } }] },
              ],
            },
          },
        },
      ],
    };
    const classes = catalogueOf({
      Write: [{ format: ["COMFY_DYNAMICCOMBO_V3", format], name: ["STRING", {}] }, []],
    });
    const write = { id: 1, type: "Write", widgets_values: ["jpeg", 90, "x", 4, "out"] };
    expect(convert(ui([write], []), classes)).toEqual({
      "1": {
        format: "jpeg",
        "format.quality": 90,
        "format.mode": "x",
        "format.mode.y": 4,
        name: "out",
      },
    });
  });

  test("of an input that only takes links are not there", () => {
    expect(convert(ui([{ id: 1, type: "Text", widgets_values: [] }], []))).toEqual({ "1": {} });
  });
});

describe("links", () => {
  const save: NodeDraft = {
    id: 5,
    type: "Save",
    inputs: [socket("latent", "LATENT", 11)],
    widgets_values: ["x"],
  };
  const patch: NodeDraft = {
    id: 3,
    type: "Patch",
    inputs: [socket("model", "MODEL", 10)],
    outputs: [{ name: "MODEL", type: "MODEL" }],
    widgets_values: [0.5],
  };
  const patched = { ...sampler, inputs: [socket("model", "MODEL", 12)] };
  const links = [
    [10, 1, 0, 3, 0, "MODEL"],
    [12, 3, 0, 2, 0, "MODEL"],
    [11, 2, 0, 5, 0, "LATENT"],
  ];

  test("pass through a bypassed node, and end at a muted one", () => {
    expect(convert(ui([loader, { ...patch, mode: 4 }, patched], links))["2"]).toMatchObject({
      model: ["1", 0],
    });
    const muted = convert(ui([loader, { ...patch, mode: 2 }, patched], links));
    expect(muted["2"]).toEqual({ seed: 7, steps: 30 });
    expect(Object.keys(muted)).toEqual(["1", "2"]);
  });

  test("pass through reroutes, and notes do not run", () => {
    const reroute = {
      ...patch,
      type: "Reroute",
      inputs: [socket("", "*", 10)],
      outputs: [{ name: "", type: "*" }],
    };
    const note = { id: 8, type: "MarkdownNote", widgets_values: ["read me"] };
    expect(convert(ui([loader, reroute, note, patched, save], links))).toEqual({
      "1": { name: "a.safetensors" },
      "2": { model: ["1", 0], seed: 7, steps: 30 },
      "5": { latent: ["2", 0], prefix: "x" },
    });
  });

  test("from a primitive become its value", () => {
    const primitive = {
      id: 4,
      type: "PrimitiveNode",
      outputs: [{ name: "INT", type: "INT" }],
      widgets_values: [42, "fixed"],
    };
    const wired = { ...sampler, inputs: [widgetSocket("steps", "INT", 20)] };
    expect(convert(ui([primitive, wired], [[20, 4, 0, 2, 0, "INT"]]))["2"]).toEqual({
      seed: 7,
      steps: 42,
    });
  });

  test("are objects in format 1", () => {
    const document = {
      version: 1,
      state: { lastNodeId: 2 },
      nodes: [loader, sampler] as unknown as JsonValue,
      links: [
        { id: 10, origin_id: 1, origin_slot: 0, target_id: 2, target_slot: 0, type: "MODEL" },
      ],
    };
    expect(convert(document)["2"]).toMatchObject({ model: ["1", 0] });
  });

  test("in a circle of reroutes end somewhere", () => {
    const around = (id: number, link: number): NodeDraft => ({
      id,
      type: "Reroute",
      inputs: [socket("", "*", link)],
      outputs: [{ name: "", type: "*" }],
    });
    const circle = [
      [20, 6, 0, 7, 0, "*"],
      [21, 7, 0, 6, 0, "*"],
      [10, 7, 0, 2, 0, "MODEL"],
    ];
    expect(convert(ui([around(6, 21), around(7, 20), sampler], circle))["2"]).toEqual({
      seed: 7,
      steps: 30,
    });
  });
});

describe("subgraphs", () => {
  const definition = {
    id: "sub-1",
    name: "Sampling",
    inputs: [
      { name: "model", type: "MODEL" },
      { name: "steps", type: "INT" },
    ],
    outputs: [{ name: "LATENT", type: "LATENT" }],
    nodes: [
      { ...sampler, inputs: [socket("model", "MODEL", 1), widgetSocket("steps", "INT", 2)] },
    ] as unknown as JsonValue,
    links: [
      { id: 1, origin_id: -10, origin_slot: 0, target_id: 2, target_slot: 0 },
      { id: 2, origin_id: -10, origin_slot: 1, target_id: 2, target_slot: 1 },
      { id: 3, origin_id: 2, origin_slot: 0, target_id: -20, target_slot: 0 },
    ],
  };
  const instance: NodeDraft = {
    id: 12,
    type: "sub-1",
    inputs: [socket("model", "MODEL", 10), widgetSocket("steps", "INT", null)],
    outputs: [{ name: "LATENT", type: "LATENT" }],
  };
  const save: NodeDraft = {
    id: 5,
    type: "Save",
    inputs: [socket("latent", "LATENT", 11)],
    widgets_values: ["x"],
  };
  const links = [
    [10, 1, 0, 12, 0, "MODEL"],
    [11, 12, 0, 5, 0, "LATENT"],
  ];
  const definitions = { subgraphs: [definition] };

  test("open into their nodes, which take what is linked outside", () => {
    expect(convert(ui([loader, instance, save], links, { definitions }))).toEqual({
      "1": { name: "a.safetensors" },
      "12:2": { model: ["1", 0], seed: 7, steps: 30 },
      "5": { latent: ["12:2", 0], prefix: "x" },
    });
  });

  test("take the values that their instance says, each instance its own", () => {
    const other = { ...instance, id: 13, widgets_values: [99], inputs: [] };
    const opened = convert(
      ui([loader, { ...instance, widgets_values: [50] }, other], links, { definitions }),
    );
    expect([opened["12:2"]?.["steps"], opened["13:2"]?.["steps"]]).toEqual([50, 99]);
  });

  test("may stand in each other", () => {
    const outer = {
      ...definition,
      id: "sub-2",
      nodes: [
        {
          ...instance,
          id: 4,
          inputs: [socket("model", "MODEL", 1), widgetSocket("steps", "INT", 2)],
        },
      ] as unknown as JsonValue,
      links: [
        { id: 1, origin_id: -10, origin_slot: 0, target_id: 4, target_slot: 0 },
        { id: 2, origin_id: -10, origin_slot: 1, target_id: 4, target_slot: 1 },
        { id: 3, origin_id: 4, origin_slot: 0, target_id: -20, target_slot: 0 },
      ],
    };
    const nested = { definitions: { subgraphs: [definition, outer] } };
    expect(convert(ui([loader, { ...instance, type: "sub-2" }, save], links, nested))).toEqual({
      "1": { name: "a.safetensors" },
      "12:4:2": { model: ["1", 0], seed: 7, steps: 30 },
      "5": { latent: ["12:4:2", 0], prefix: "x" },
    });
  });

  test("that are muted or bypassed leave none of their nodes", () => {
    for (const mode of [2, 4]) {
      const opened = convert(ui([loader, { ...instance, mode }, save], links, { definitions }));
      expect(Object.keys(opened)).toEqual(["1", "5"]);
    }
  });

  test("that contain themselves are refused", () => {
    const endless = { ...definition, nodes: [instance] as unknown as JsonValue };
    expect(() => convert(ui([instance], links, { definitions: { subgraphs: [endless] } }))).toThrow(
      /contains itself/u,
    );
  });
});

test.each([
  ["a node without a type", { nodes: [{ id: 1 }], links: [] }, "workflow.nodes.0"],
  ["two nodes of one id", { nodes: [loader, loader], links: [] }, "workflow.nodes.1"],
  ["a link of too few parts", { nodes: [], links: [[1, 2]] }, "workflow.links.0"],
  [
    "a subgraph without an id",
    { nodes: [], links: [], definitions: { subgraphs: [{}] } },
    "definitions.subgraphs.0",
  ],
  [
    "more nodes than the limit",
    { nodes: Array.from({ length: 1001 }, (_, id) => ({ id, type: "A" })), links: [] },
    "workflow",
  ],
])("refuses %s, naming the field", (_what, document, field) => {
  const parsed = parseUiDocument(document as unknown as JsonValue, { maxNodes });
  expect(parsed).toMatchObject({
    ok: false,
    error: { code: "invalid_workflow", details: { field } },
  });
});
