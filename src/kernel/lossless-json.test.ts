import { expect, it } from "vitest";

import { parseLosslessJson } from "./lossless-json.ts";

it.each([
  '{"seed":18446744073709551615,"cfg":7.5}',
  "[9007199254740993,-9007199254740993,1e300,0.1234567890123456]",
  '{"text":"18446744073709551615"}',
])("writes back what it read, to the last digit: %s", (text) => {
  expect(JSON.parse(JSON.stringify(parseLosslessJson(text)))).toEqual(JSON.parse(text));
  const digits = (json: string): readonly string[] => json.match(/\d{16,}/gu) ?? [];
  expect(digits(JSON.stringify(parseLosslessJson(text)))).toEqual(digits(text));
});

it("leaves numbers that a double holds as numbers", () => {
  expect(parseLosslessJson("[1,2.5,9007199254740991]")).toEqual([1, 2.5, 9007199254740991]);
});
