import type { Logger } from "../observability/logger.ts";
import { errorMessage } from "../kernel/errors.ts";
import type { Claim } from "../store/attempts.ts";
import type { Store } from "../store/store.ts";
import type { Claimer } from "./dispatch/claimer.ts";
import type { PoolViews } from "./dispatch/pool-views.ts";
import { formatQueueHint, parseQueueHint } from "./dispatch/queue-hint.ts";
import type { ClaimWish, Dispatcher, HeldSeat } from "./dispatcher.ts";

interface Waiter {
  readonly workerId: string;
  readonly wish: ClaimWish;
  /** Until it is answered. */
  isOpen: boolean;
  resolve(claim: Claim | undefined): void;
}

interface Pool {
  readonly waiters: Set<Waiter>;
  isClaiming: boolean;
  /** Something changed while a claim was under way. */
  isDirty: boolean;
}

export interface DispatcherOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly views: PoolViews;
  readonly claimer: Claimer;
}

const maxSlots = 128;
const pollMs = 1_000;

/**
 * Gathers the workers that wait and has jobs claimed for all of them at once. Woken by hints; a poll
 * a second is the truth.
 */
export class BatchDispatcher implements Dispatcher {
  private readonly options: DispatcherOptions;
  private readonly pools = new Map<number, Pool>();
  private readonly stopListening: () => void;
  private readonly timer: NodeJS.Timeout;

  constructor(options: DispatcherOptions) {
    this.options = options;
    this.stopListening = options.store.signals.subscribe("queue", (id) => {
      const hint = parseQueueHint(id);
      if (hint === undefined) return;
      options.views.note(hint);
      this.wake(hint.deploymentId);
    });
    this.timer = setInterval(() => {
      for (const deploymentId of this.pools.keys()) this.wake(deploymentId);
    }, pollMs);
    this.timer.unref();
  }

  claim(
    deploymentId: number,
    workerId: string,
    waitMs: number,
    signal: AbortSignal,
    wish: ClaimWish = {},
  ): Promise<Claim | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const pool = this.poolOf(deploymentId);
    return new Promise((resolve) => {
      const leave = (): void => waiter.resolve(undefined);
      const timer = setTimeout(leave, waitMs);
      const waiter: Waiter = {
        workerId,
        wish,
        isOpen: true,
        resolve: (claim) => {
          waiter.isOpen = false;
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          pool.waiters.delete(waiter);
          resolve(claim);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      pool.waiters.add(waiter);
      this.wake(deploymentId);
    });
  }

  hold(deploymentId: number): HeldSeat | undefined {
    const pool = this.pools.get(deploymentId);
    // A claim that is under way may be for the same workers.
    if (pool === undefined || pool.isClaiming) return undefined;
    const waiter = idlest(pool.waiters);
    if (waiter === undefined) return undefined;
    const seat = this.options.claimer.seatOf(deploymentId, waiter.workerId, waiter.wish);
    if (seat === undefined) return undefined;
    pool.waiters.delete(waiter);
    return {
      seat,
      give: async (claim) => {
        this.options.claimer.noteSeated(deploymentId, claim);
        if (waiter.isOpen) waiter.resolve(claim);
        else await this.takeBack(deploymentId, claim);
      },
      letGo: () => {
        if (!waiter.isOpen) return;
        pool.waiters.add(waiter);
        this.wake(deploymentId);
      },
    };
  }

  close(): void {
    clearInterval(this.timer);
    this.stopListening();
    for (const pool of this.pools.values()) {
      for (const waiter of pool.waiters) waiter.resolve(undefined);
    }
  }

  private poolOf(deploymentId: number): Pool {
    const pool = this.pools.get(deploymentId) ?? {
      waiters: new Set(),
      isClaiming: false,
      isDirty: false,
    };
    this.pools.set(deploymentId, pool);
    return pool;
  }

  private wake(deploymentId: number): void {
    const pool = this.pools.get(deploymentId);
    if (pool === undefined || pool.waiters.size === 0) return;
    pool.isDirty = true;
    if (pool.isClaiming) return;
    pool.isClaiming = true;
    void this.drain(deploymentId, pool).finally(() => {
      pool.isClaiming = false;
    });
  }

  private async drain(deploymentId: number, pool: Pool): Promise<void> {
    while (pool.isDirty && pool.waiters.size > 0) {
      pool.isDirty = false;
      const batch = [...pool.waiters].sort(idleFirst).slice(0, maxSlots);
      const claims = await this.claimFor(deploymentId, batch);
      for (const claim of claims) await this.deliver(deploymentId, pool, batch, claim);
      // A full batch may have left jobs and waiters behind.
      if (claims.length === batch.length && pool.waiters.size > 0) pool.isDirty = true;
    }
  }

  private async claimFor(
    deploymentId: number,
    batch: readonly Waiter[],
  ): Promise<readonly Claim[]> {
    const { claimer, logger } = this.options;
    try {
      const asking = new Map(batch.map(({ workerId, wish }) => [workerId, wish.budgetBytes]));
      return await claimer.claim(deploymentId, asking);
    } catch (thrown) {
      logger.warn({ deploymentId, cause: errorMessage(thrown) }, "claim failed; polling again");
      return [];
    }
  }

  private async deliver(
    deploymentId: number,
    pool: Pool,
    batch: readonly Waiter[],
    claim: Claim,
  ): Promise<void> {
    const waiter = batch.findLast((each) => each.workerId === claim.workerId);
    if (waiter !== undefined && pool.waiters.has(waiter)) {
      waiter.resolve(claim);
      return;
    }
    await this.takeBack(deploymentId, claim);
    pool.isDirty = true;
  }

  /** The worker hung up while the claim was under way: the job goes back at once. */
  private async takeBack(deploymentId: number, claim: Claim): Promise<void> {
    const { store, logger } = this.options;
    await store.attempts.release(claim, false).catch((thrown: unknown) => {
      const cause = errorMessage(thrown);
      logger.warn({ jobId: claim.jobId, cause }, "an undelivered claim must time out");
    });
    store.signals.publish("queue", formatQueueHint(deploymentId, claim));
  }
}

/** The first that is idle, else the first; without putting all of them in order. */
function idlest(waiters: ReadonlySet<Waiter>): Waiter | undefined {
  let first: Waiter | undefined;
  for (const waiter of waiters) {
    if (waiter.wish.isAhead !== true) return waiter;
    first ??= waiter;
  }
  return first;
}

function idleFirst(left: Waiter, right: Waiter): number {
  return Number(left.wish.isAhead ?? false) - Number(right.wish.isAhead ?? false);
}
