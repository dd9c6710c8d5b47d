import { describe, expect, it } from "vitest";

import { isLoopbackHost, isTrustedLoopback, type TrustQuestion } from "./loopback.ts";

const local: TrustQuestion = {
  remoteAddress: "127.0.0.1",
  hostHeader: "127.0.0.1:8787",
  originHeader: undefined,
  isForwarded: false,
};

describe("trust in callers from this machine", () => {
  it.each(["127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1", "localhost"])(
    "takes %s for loopback",
    (host) => expect(isLoopbackHost(host)).toBe(true),
  );

  it.each(["0.0.0.0", "::", "10.0.0.1", "localhost.example.com", "127.0.0.1.nip.io", ""])(
    "does not take %j for loopback",
    (host) => expect(isLoopbackHost(host)).toBe(false),
  );

  it("is given to a plain local caller and to a page of the same origin", () => {
    expect(isTrustedLoopback(local)).toBe(true);
    expect(isTrustedLoopback({ ...local, originHeader: "http://127.0.0.1:8787" })).toBe(true);
  });

  it.each<[string, Partial<TrustQuestion>]>([
    ["from another machine", { remoteAddress: "192.168.1.7" }],
    ["through a proxy", { isForwarded: true }],
    ["under a rebound name", { hostHeader: "evil.example:8787" }],
    ["from a foreign page", { originHeader: "https://evil.example" }],
    ["from a page without an origin", { originHeader: "null" }],
  ])("is refused to a caller %s", (_, change) =>
    expect(isTrustedLoopback({ ...local, ...change })).toBe(false),
  );
});
