import { expect, it } from "vitest";

import { attachmentHeader } from "./content-disposition.ts";

it("spells any name twice, once in ASCII and once as it is", () => {
  expect(attachmentHeader("inline", "a b.png")).toBe(
    `inline; filename="a b.png"; filename*=UTF-8''a%20b.png`,
  );
  expect(attachmentHeader("attachment", "日本(1).png")).toBe(
    `attachment; filename="__(1).png"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%281%29.png`,
  );
});

it("lets no name add a field or a header", () => {
  const header = attachmentHeader("attachment", 'a"; filename=evil\r\nSet-Cookie: x\ud800');
  expect(header).not.toMatch(/[\r\n]/u);
  expect(header.match(/"/gu)).toHaveLength(2);
});
