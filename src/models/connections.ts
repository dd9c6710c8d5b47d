/** How many connections a download uses, and what that was found to bring. */
export interface ConnectionState {
  readonly connections: number;
  readonly phase:
    /** The first level is being measured; connections warm up meanwhile. */
    | "first"
    /** More are tried; `up-again`: and have paid before. */
    | "up"
    | "up-again"
    /** More did not pay, so fewer are tried. */
    | "down"
    | "settled";
  /** The rate of the level that this one is compared with, in bytes a second. */
  readonly rateBefore: number;
  /** Looks since the last change. */
  readonly looks: number;
}

const firstConnections = 8;
/** More is rude to a host, and no faster where one connection carries 60 MB/s. */
export const maxConnections = 16;
/** One that falls silent is not to stop a download. */
const minConnections = 2;

/** Doubling has to bring at least this much to be kept. */
const worthwhileGain = 1.1;
/** Halving may cost no more than this. */
const tolerableLoss = 0.95;
/** Until a level is judged: its connections open, or end the request that they are at. */
const looksOf = { first: 2, up: 2, "up-again": 2, down: 4, settled: 40 } as const;

export function startConnections(): ConnectionState {
  return { connections: firstConnections, phase: "first", rateBefore: 0, looks: 0 };
}

/**
 * The state after a look at the rate (bytes a second since the last look): connections double while
 * that pays. Where it never did they are halved while that costs nothing, since each takes memory
 * and turns at the host. Settled downloads try more after a while: the network may have changed.
 */
export function adaptConnections(state: ConnectionState, bytesPerSecond: number): ConnectionState {
  const { connections, phase, rateBefore } = state;
  const looks = state.looks + 1;
  if (looks < looksOf[phase]) return { ...state, looks };
  const to = (count: number, next: ConnectionState["phase"], rate: number): ConnectionState => ({
    connections: count,
    phase: next,
    rateBefore: rate,
    looks: 0,
  });
  const double = connections * 2;
  const half = connections / 2;
  if (phase === "first" || phase === "settled") {
    return connections >= maxConnections
      ? to(connections, "settled", bytesPerSecond)
      : to(double, "up", bytesPerSecond);
  }
  if (phase === "down") {
    if (bytesPerSecond < rateBefore * tolerableLoss) return to(double, "settled", bytesPerSecond);
    return half < minConnections
      ? to(connections, "settled", bytesPerSecond)
      : to(half, "down", Math.max(rateBefore, bytesPerSecond));
  }
  if (bytesPerSecond >= rateBefore * worthwhileGain) {
    return connections >= maxConnections
      ? to(connections, "settled", bytesPerSecond)
      : to(double, "up-again", bytesPerSecond);
  }
  const fewer = half / 2;
  return phase === "up" && fewer >= minConnections
    ? to(fewer, "down", rateBefore)
    : to(half, "settled", bytesPerSecond);
}
