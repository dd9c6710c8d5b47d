import { describe, expect, it } from "vitest";

import { mayConnect, parseAllowed } from "./addresses.ts";

const nobody = parseAllowed([]);

describe("an address", () => {
  it.each(["1.1.1.1", "140.82.112.3", "2606:4700::1111"])("%s is public", (address) => {
    expect(mayConnect(address, "example.com", nobody)).toBe(true);
  });

  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "0.0.0.0",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:1::",
    "fd00::1",
    "fe80::1",
    "not an address",
  ])("%s is private", (address) => {
    expect(mayConnect(address, "example.com", nobody)).toBe(false);
  });

  it("may be reached when it or its host is named", () => {
    const allowed = parseAllowed(["10.0.0.0/8", "models.internal", "fd00::/8"]);
    expect(mayConnect("10.9.9.9", "x", allowed)).toBe(true);
    expect(mayConnect("fd00::5", "x", allowed)).toBe(true);
    expect(mayConnect("192.168.0.9", "models.internal", allowed)).toBe(true);
    expect(mayConnect("192.168.0.9", "other.internal", allowed)).toBe(false);
  });
});
