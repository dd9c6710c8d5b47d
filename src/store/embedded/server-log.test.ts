import { readFile } from "node:fs/promises";

import { expect, it, onTestFinished } from "vitest";

import { temporaryFolder } from "./owner-process.suite.ts";
import { ServerLog } from "./server-log.ts";

it("a full server log is moved aside once, and the writer goes on in an empty one", async () => {
  const log = new ServerLog(await temporaryFolder());
  const writer = await log.open();
  onTestFinished(() => writer.close());
  expect(await log.rotateIfFull(10)).toBe(false);
  await writer.write("0123456789");
  expect(await log.rotateIfFull(10)).toBe(false);
  await writer.write("full");
  expect(await log.rotateIfFull(10)).toBe(true);
  await writer.write("next");
  expect(await readFile(log.path, "utf8")).toBe("next");
  expect(await readFile(`${log.path}.1`, "utf8")).toBe("0123456789full");
});

it("the tail of a server log begins where asked and is no longer than 4 KiB", async () => {
  const log = new ServerLog(await temporaryFolder());
  expect(await log.tail(0)).toBe("");
  const writer = await log.open();
  onTestFinished(() => writer.close());
  await writer.write("old\nnew\n");
  expect(await log.tail(4)).toBe("new");
  await writer.write("x".repeat(10_000));
  expect(await log.tail(4)).toBe("x".repeat(4096));
});
