import { setTimeout as delay } from "node:timers/promises";

import type { BlobStore } from "../blobs/blobs.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Clock } from "../kernel/clock.ts";
import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Platform } from "../platforms/platform.ts";
import type { LeaseTiming } from "../queue/lease.ts";
import type { Leadership } from "../store/control.ts";
import type { Store } from "../store/store.ts";
import { announceAlerts } from "./announce-alerts.ts";
import { expireOverdue } from "./expire.ts";
import type { DesiredPool } from "./fleet.ts";
import { keepBooks } from "./keep-books.ts";
import { runLoop } from "./loop.ts";
import { launchPrice, priceInstances } from "./price-instances.ts";
import { Reaper } from "./reap.ts";
import { Reconciler } from "./reconcile.ts";
import { Scaler } from "./scaling/scaler.ts";
import { sweepOnce } from "./sweep.ts";

export interface ControllerOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly platforms: readonly Platform[];
  readonly desired: readonly DesiredPool[];
  readonly gatewayUrl: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly lease: LeaseTiming;
  readonly random: () => number;
  readonly newId: () => string;
  readonly mintToken: () => { readonly token: string; readonly tokenHash: Uint8Array };
  /** What instances cost; absent: as their deployments say. */
  readonly catalogue?: Catalogue;
  readonly sweepIntervalMs?: number;
  readonly reconcileIntervalMs?: number;
  readonly scaleIntervalMs?: number;
  /** All-in, of an instance; 0 where nothing is paid. Default: as the catalogue has it. */
  readonly priceMicroUsdPerHour?: (platform: Platform) => number;
  readonly electionIntervalMs?: number;
  /** How long an instance's workers may be silent before it is replaced. */
  readonly silentMs?: number;
}

export interface Controller {
  /** Ends all loops after their current pass and lets another controller lead. */
  close(): Promise<void>;
}

interface Duty {
  readonly name: string;
  readonly intervalMs: number;
  readonly run: () => Promise<void>;
}

const expireIntervalMs = 5_000;
/** Clouds count requests. */
const cloudIntervalMs = 5_000;
const driftIntervalMs = 300_000;
const alertIntervalMs = 10_000;
const arrivalIntervalMs = 60_000;
const bookIntervalMs = 60_000;
const priceIntervalMs = 10_000;

/**
 * Runs the control loops. What concerns everybody runs only where this process leads; platforms
 * that only this host can see are looked after in any case.
 */
export function startController(options: ControllerOptions): Controller {
  const closing = new AbortController();
  const { signal } = closing;
  const hostDuties = dutiesOfPlatforms(options, "host");
  // Made once: the reaper counts its time from the start of this process, not of its reign.
  const leaderDuties = [...commonDuties(options), ...dutiesOfPlatforms(options, "everywhere")];
  const running = [runDuties(hostDuties, options, signal), campaign(leaderDuties, options, signal)];
  let closed: Promise<void> | undefined;
  return {
    close: () => {
      closing.abort();
      closed ??= Promise.all(running).then(() => undefined);
      return closed;
    },
  };
}

function commonDuties(options: ControllerOptions): readonly Duty[] {
  const { store, blobs, logger, clock, lease, sweepIntervalMs = 60_000 } = options;
  const reaper = new Reaper({ store, logger, clock, leaseMs: lease.leaseMs });
  return [
    ...pricing(options),
    { name: "reap", intervalMs: lease.reaperIntervalMs, run: () => reaper.pass() },
    { name: "expire", intervalMs: expireIntervalMs, run: () => expireOverdue(store, logger) },
    { name: "alerts", intervalMs: alertIntervalMs, run: () => announceAlerts(store, logger) },
    { name: "arrivals", intervalMs: arrivalIntervalMs, run: () => store.scaling.rollUpArrivals() },
    { name: "books", intervalMs: bookIntervalMs, run: () => keepBooks(store, logger, clock.now()) },
    { name: "sweep", intervalMs: sweepIntervalMs, run: () => sweepOnce(store, blobs, logger) },
  ];
}

function pricing({ store, catalogue, logger }: ControllerOptions): readonly Duty[] {
  if (catalogue === undefined) return [];
  const run = (): Promise<void> => priceInstances(store, catalogue, logger);
  return [{ name: "prices", intervalMs: priceIntervalMs, run }];
}

function dutiesOfPlatforms(options: ControllerOptions, reach: Platform["reach"]): readonly Duty[] {
  const { silentMs = 120_000, logger } = options;
  const intervalMs = options.reconcileIntervalMs ?? (reach === "host" ? 2_000 : cloudIntervalMs);
  const platforms = options.platforms.filter((platform) => platform.reach === reach);
  const reconciling = platforms.flatMap((platform) => {
    const reconciler = new Reconciler({ ...options, platform, silentMs });
    const { name } = platform;
    const reconcile = { name: `reconcile ${name}`, intervalMs, run: () => reconciler.pass() };
    if (platform.correctDrift === undefined) return [reconcile];
    const run = (): Promise<void> => correctDrift(platform, logger);
    return [reconcile, { name: `drift ${name}`, intervalMs: driftIntervalMs, run }];
  });
  return platforms.length === 0 ? [] : [...reconciling, scaleDuty(options, platforms)];
}

/** What a leader and the holder of a host's platforms each do for the deployments they can serve. */
function scaleDuty(options: ControllerOptions, platforms: readonly Platform[]): Duty {
  const { scaleIntervalMs: intervalMs = 2_000, catalogue } = options;
  const listed = (platform: Platform): number =>
    catalogue === undefined ? 0 : launchPrice(catalogue, platform);
  const { priceMicroUsdPerHour = listed } = options;
  const scaler = new Scaler({ ...options, platforms, priceMicroUsdPerHour });
  return { name: "scale", intervalMs, run: () => scaler.pass() };
}

async function correctDrift(platform: Platform, logger: Logger): Promise<void> {
  for (const found of (await platform.correctDrift?.()) ?? []) {
    logger.warn({ platform: platform.name, found }, "settings were changed behind our back");
  }
}

async function runDuties(
  duties: readonly Duty[],
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { logger, random } = options;
  await Promise.all(duties.map((duty) => runLoop({ ...duty, logger, random, signal })));
}

/** Tries to lead, works while it does, and tries again once the lead is lost. Never rejects. */
async function campaign(
  duties: readonly Duty[],
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { store, logger, electionIntervalMs = 2_000 } = options;
  while (!signal.aborted) {
    const leadership = await tryLead(store, logger);
    if (leadership !== undefined) await reign(duties, options, leadership, signal);
    await delay(electionIntervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function tryLead(store: Store, logger: Logger): Promise<Leadership | undefined> {
  try {
    return await store.tryLead();
  } catch (thrown) {
    logger.debug({ error: errorMessage(thrown) }, "no leader could be elected");
    return undefined;
  }
}

async function reign(
  duties: readonly Duty[],
  options: ControllerOptions,
  leadership: Leadership,
  signal: AbortSignal,
): Promise<void> {
  const { logger } = options;
  logger.info("this controller leads");
  const ending = new AbortController();
  let isLost = false;
  const onLost = (): void => {
    isLost = true;
    ending.abort();
  };
  void leadership.lost.then(onLost);
  await runDuties(duties, options, AbortSignal.any([signal, ending.signal]));
  if (isLost) logger.warn("this controller has lost the lead");
  await leadership.release().catch(() => undefined);
}
