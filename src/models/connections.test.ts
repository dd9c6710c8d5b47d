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

  it("goes back to what was enough when the link is full", () => {
    expect(levels(6, () => 400e6)).toEqual([8, 16, 16, 8, 8, 8]);
  });

  it("stays where a doubling brought enough", () => {
    expect(levels(8, (connections) => Math.min(connections, 14) * 60e6).at(-1)).toBe(16);
  });

  it("tries again after a while", () => {
    expect(levels(60, () => 400e6).slice(6)).toContain(16);
  });
});
