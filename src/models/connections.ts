/** How many connections a download uses, and what that was found to bring. */
export interface ConnectionState {
  readonly connections: number;
  /** The rate at the level below; null while the first level is being measured. */
  readonly rateBelow: number | null;
  /** Looks since the last change; the first is not counted, since connections warm up. */
  readonly looks: number;
  readonly isSettled: boolean;
}

const firstConnections = 8;
/** More is rude to a host, and no faster where one connection carries 60 MB/s. */
export const maxConnections = 16;

/** Doubling has to bring at least this much to be kept. */
const worthwhileGain = 1.1;
/** Looks until a settled download tries again: the network may have changed. */
const settledLooks = 40;

export function startConnections(): ConnectionState {
  return { connections: firstConnections, rateBelow: null, looks: 0, isSettled: false };
}

/**
 * The state after a look at the rate (bytes a second since the last look): connections double while
 * that pays, and go back once when it did not.
 */
export function adaptConnections(state: ConnectionState, bytesPerSecond: number): ConnectionState {
  const looks = state.looks + 1;
  const { connections, rateBelow, isSettled } = state;
  if (isSettled) {
    return looks < settledLooks || connections >= maxConnections
      ? { ...state, looks }
      : { connections: connections * 2, rateBelow: bytesPerSecond, looks: 0, isSettled: false };
  }
  if (looks < 2) return { ...state, looks };
  if (rateBelow !== null && bytesPerSecond < rateBelow * worthwhileGain) {
    return { connections: connections / 2, rateBelow: null, looks: 0, isSettled: true };
  }
  if (connections >= maxConnections) return { ...state, looks: 0, isSettled: true };
  return { connections: connections * 2, rateBelow: bytesPerSecond, looks: 0, isSettled: false };
}
