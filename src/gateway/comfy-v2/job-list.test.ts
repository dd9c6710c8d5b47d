import { describe, expect, it } from "vitest";

import { readListQuery } from "./job-list.ts";

const id = "0198c0de-0000-7000-8000-000000000001";
const cursor = Buffer.from(id).toString("base64url");

function refusal(query: Record<string, string | string[]>): unknown {
  try {
    return readListQuery(query);
  } catch (thrown) {
    const { code, details } = thrown as { code: string; details?: { field?: string } };
    return { code, field: details?.field };
  }
}

describe("the query of a job list", () => {
  it("asks for fifty where it says nothing", () => {
    expect(readListQuery({})).toEqual({ limit: 50 });
  });

  it("reads limit, cursor and up to three label filters", () => {
    const query = {
      limit: "200",
      cursor,
      "metadata[a]": "1",
      "metadata[b.c]": "",
      "metadata[d]": "ü",
    };
    expect(readListQuery(query)).toEqual({
      limit: 200,
      beforeId: id,
      metadata: { a: "1", "b.c": "", d: "ü" },
    });
  });

  it("filters by a label called __proto__ instead of forgetting the filter", () => {
    const { metadata } = readListQuery({ "metadata[__proto__]": "x" });
    expect(JSON.stringify(metadata)).toBe('{"__proto__":"x"}');
  });

  it.each(["0", "201", "-1", "1.5", "abc", "", "1e2", "99999"])("refuses the limit %j", (limit) => {
    expect(refusal({ limit })).toEqual({ code: "invalid_request", field: "limit" });
  });

  it.each(["", "x", id, `${cursor}=`, Buffer.from("not an id").toString("base64url"), "é"])(
    "refuses the cursor %j",
    (bad) => expect(refusal({ cursor: bad })).toMatchObject({ code: "invalid_cursor" }),
  );

  it.each<[string, Record<string, string | string[]>]>([
    ["without a key", { "metadata[]": "x" }],
    ["without brackets", { metadata: "x" }],
    ["with a bad key", { "metadata[a b]": "x" }],
    ["with a key within a key", { "metadata[a][b]": "x" }],
    ["given twice", { "metadata[a]": ["x", "y"] }],
    ["with NUL", { "metadata[a]": "\0" }],
    ["with half a surrogate pair", { "metadata[a]": "\ud83d" }],
    ["that is too long", { "metadata[a]": "x".repeat(501) }],
    ["too many", { "metadata[a]": "", "metadata[b]": "", "metadata[c]": "", "metadata[d]": "" }],
  ])("refuses a filter %s", (_, query) => {
    expect(refusal(query)).toEqual({ code: "invalid_metadata_filter", field: "metadata" });
  });

  it("refuses what it does not know and what is given twice", () => {
    expect(refusal({ page: "2" })).toEqual({ code: "invalid_request", field: "page" });
    expect(refusal({ limit: ["1", "2"] })).toEqual({ code: "invalid_request", field: "limit" });
  });
});
