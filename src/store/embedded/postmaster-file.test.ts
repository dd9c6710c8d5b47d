import { describe, expect, it } from "vitest";

import { parsePostmasterFile } from "./postmaster-file.ts";

const whole = "4711\n/data\n1795456602\n54399\n\n127.0.0.1\n  2155342         4\nready   \n";

describe("postmaster.pid", () => {
  it("tells process, port and status of a running server", () => {
    expect(parsePostmasterFile(whole)).toEqual({ pid: 4711, port: 54_399, status: "ready" });
    const stopping = whole.replace("ready   ", "stopping");
    expect(parsePostmasterFile(stopping)?.status).toBe("stopping");
  });

  it("lacks port and status while the server is beginning to start", () => {
    const early = whole.split("\n").slice(0, 3).join("\n");
    expect(parsePostmasterFile(early)).toEqual({ pid: 4711, port: undefined, status: "unknown" });
  });

  it.each(["", "\n\n", "-4711\n/data", "words\n/data", "0"])(
    "names nobody when it is %j",
    (text) => {
      expect(parsePostmasterFile(text)).toBeUndefined();
    },
  );

  it.each(["0", "65536", "x", "1.5"])("takes %j for no port", (port) => {
    expect(parsePostmasterFile(whole.replace("54399", port))?.port).toBeUndefined();
  });
});
