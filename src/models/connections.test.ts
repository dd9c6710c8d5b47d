import { describe, expect, it } from "vitest";

import { adaptConnections, startConnections, type ConnectionState } from "./connections.ts";

/** The numbers of connections over `looks` looks at a link that carries `rateOf(connections)`. */
function levels(looks: number, rateOf: (connections: number) => number): readonly number[] {
  let state: ConnectionState = startConnections();
  return Array.from({ length: looks }, () => {
    state = adaptConnections(state, rateOf(state.connections));
    return state.connections;
  });
}

describe("the number of connections", () => {
  it("doubles while each brings its share, up to sixteen", () => {
    expect(levels(6, (connections) => connections * 60e6)).toEqual([8, 16, 16, 16, 16, 16]);
  });

  it("falls to what is enough when the link is full", () => {
    const counts = levels(30, (connections) => Math.min(connections * 120e6, 400e6));
    expect([...new Set(counts)]).toEqual([8, 16, 4, 2]);
    expect(counts.at(-1)).toBe(4);
  });

  it("keeps at least two, so that one which falls silent stops nothing", () => {
    expect(levels(20, () => 400e6).at(-1)).toBe(2);
  });

  it("stays where a doubling brought enough", () => {
    expect(levels(8, (connections) => Math.min(connections, 14) * 60e6).at(-1)).toBe(16);
  });

  it("tries again after a while", () => {
    expect(levels(80, () => 400e6).slice(30)).toContain(4);
  });
});
