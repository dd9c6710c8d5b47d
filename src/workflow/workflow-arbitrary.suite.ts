import fc from "fast-check";

import type { JsonObject, JsonValue } from "../kernel/json.ts";
import { asLink } from "./links.ts";

/** An API-format workflow as JSON, before it is parsed. */
export type ApiWorkflow = Record<
  string,
  { readonly class_type: string; readonly inputs: JsonObject }
>;

interface NodeDraft {
  readonly classType: string;
  readonly values: Readonly<Record<string, JsonValue>>;
  /** Input, which earlier node by its place from the end, and slot. */
  readonly links: readonly (readonly [input: string, back: number, slot: number])[];
}

const name = fc.stringMatching(/^[a-z_]{1,8}$/u);
const literal: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string({ maxLength: 8 }).filter((text) => text.isWellFormed() && !text.includes("\0")),
  fc.constant(null),
  fc.dictionary(name, fc.integer(), { maxKeys: 3, noNullPrototype: true }),
);

const draft: fc.Arbitrary<NodeDraft> = fc.record({
  classType: fc.constantFrom("A", "B", "C", "KSampler"),
  values: fc.dictionary(name, literal, { maxKeys: 3, noNullPrototype: true }),
  links: fc.array(fc.tuple(name, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 2 })), {
    maxLength: 3,
  }),
});

/** Workflows without cycles: every link leads to a node that stands earlier. */
export const acyclicWorkflow: fc.Arbitrary<ApiWorkflow> = fc
  .array(draft, { minLength: 1, maxLength: 12 })
  .map((drafts) =>
    Object.fromEntries(
      drafts.map(({ classType, values, links }, index) => {
        const inputs: Record<string, JsonValue> = { ...values };
        for (const [input, back, slot] of links) {
          if (index - back >= 0) inputs[input] = [`n${index - back}`, slot];
        }
        return [`n${index}`, { class_type: classType, inputs }];
      }),
    ),
  );

/** The same workflow with other ids, other order and other order of keys. */
export function renamed(workflow: ApiWorkflow, prefix: string): ApiWorkflow {
  const entries = Object.entries(workflow).toReversed();
  return Object.fromEntries(
    entries.map(([id, { class_type, inputs }]) => [
      prefix + id,
      {
        inputs: Object.fromEntries(
          Object.entries(inputs)
            .toReversed()
            .map(([key, value]) => [key, renamedLink(value, prefix)]),
        ),
        class_type,
      },
    ]),
  );
}

function renamedLink(value: JsonValue, prefix: string): JsonValue {
  const link = asLink(value);
  return link === undefined ? value : [prefix + link[0], link[1]];
}
