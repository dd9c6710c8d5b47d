import {
  idleFirst,
  idleSince,
  isBusy,
  isIdle,
  type ElasticAction,
  type ElasticScaler,
  type ElasticView,
} from "./scaler.ts";

/** The rules of others, with their documented defaults. None of them ends a busy worker. */

const nothing: ElasticAction = { launch: 0, drain: [] };

function demandOf({ waiting, workers }: ElasticView): number {
  return waiting.size + workers.filter(isBusy).length;
}

function reach(view: ElasticView, wanted: number): ElasticAction {
  const have = view.workers.length;
  if (wanted > have) return { launch: wanted - have, drain: [] };
  return { launch: 0, drain: idleFirst(view.workers).slice(0, have - wanted) };
}

function idleFor(view: ElasticView, seconds: number): ElasticAction["drain"] {
  return view.workers.filter(
    (worker) => isIdle(worker) && view.nowSeconds - idleSince(worker) >= seconds,
  );
}

/** RunPod's request count: one worker for so many queued and running; idle ones leave. */
export function requestCount(jobsPerWorker: number, idleSeconds: number): ElasticScaler {
  return {
    name: `request count ${jobsPerWorker}, idle ${idleSeconds} s`,
    intervalSeconds: 1,
    sleeps: false,
    decide: (view) => {
      const wanted = Math.ceil(demandOf(view) / jobsPerWorker);
      const launch = Math.max(0, wanted - view.workers.length);
      return { launch, drain: launch > 0 ? [] : idleFor(view, idleSeconds) };
    },
  };
}

/** RunPod's queue delay: a worker for each job that has waited for longer. */
export function queueDelay(delaySeconds: number, idleSeconds: number): ElasticScaler {
  return {
    name: `queue delay ${delaySeconds} s, idle ${idleSeconds} s`,
    intervalSeconds: 1,
    sleeps: false,
    decide: (view) => {
      let late = 0;
      for (const job of view.waiting.values()) {
        if (view.nowSeconds - job.arrivalSeconds > delaySeconds) late++;
      }
      const booting = view.workers.filter(({ sim }) => sim === undefined).length;
      const launch = Math.max(0, late - booting);
      return { launch, drain: launch > 0 ? [] : idleFor(view, idleSeconds) };
    },
  };
}

/** A worker for each job; an idle one stays for a fixed time. */
export function fixedKeepAlive(idleSeconds: number): ElasticScaler {
  return { ...requestCount(1, idleSeconds), name: `keep-alive ${idleSeconds} s` };
}

/**
 * KEDA over the horizontal pod autoscaler: the metric is polled every 30 s and acted on every 15 s;
 * up by at most four pods or twice, down to the most that 300 s asked for, to zero after 300 s.
 */
export function keda(jobsPerWorker = 1, cooldownSeconds = 300): ElasticScaler {
  const wishes: { readonly atSeconds: number; readonly wanted: number }[] = [];
  let [polledAt, metric, activeAt] = [-Infinity, 0, -Infinity];
  return {
    name: `KEDA ${jobsPerWorker} a worker, cooldown ${cooldownSeconds} s`,
    intervalSeconds: 15,
    sleeps: false,
    decide: (view) => {
      const { nowSeconds } = view;
      if (nowSeconds - polledAt >= 30) [polledAt, metric] = [nowSeconds, demandOf(view)];
      if (metric > 0) activeAt = nowSeconds;
      const wanted = Math.ceil(metric / jobsPerWorker);
      wishes.push({ atSeconds: nowSeconds, wanted });
      while ((wishes[0]?.atSeconds ?? nowSeconds) < nowSeconds - 300) wishes.shift();
      const have = view.workers.length;
      if (have === 0) return { launch: metric > 0 ? 1 : 0, drain: [] };
      if (wanted > have) return reach(view, Math.min(wanted, Math.max(2 * have, have + 4)));
      if (metric === 0 && nowSeconds - activeAt >= cooldownSeconds) return reach(view, 0);
      const stable = wishes.reduce((most, wish) => Math.max(most, wish.wanted), 1);
      return stable < have ? reach(view, stable) : nothing;
    },
  };
}

/**
 * Knative's pod autoscaler: concurrency over 60 s at 70 % of the target; over 6 s and never down
 * while that asks for twice the fleet; down by half at a time; to zero 30 s after the last.
 */
export function knative(utilisation = 0.7, stableSeconds = 60): ElasticScaler {
  const samples: { readonly atSeconds: number; readonly demand: number }[] = [];
  let [panicUntil, panicMost, zeroSince] = [-Infinity, 0, Infinity];
  const meanSince = (fromSeconds: number): number => {
    let [sum, count] = [0, 0];
    for (let index = samples.length - 1; index >= 0; index--) {
      const sample = samples[index];
      if (sample === undefined || sample.atSeconds < fromSeconds) break;
      sum += sample.demand;
      count++;
    }
    return count === 0 ? 0 : sum / count;
  };
  return {
    name: `Knative ${utilisation * 100} %, ${stableSeconds} s`,
    intervalSeconds: 2,
    sleeps: false,
    decide: (view) => {
      const { nowSeconds } = view;
      const demand = demandOf(view);
      const have = view.workers.length;
      if (demand === 0 && have === 0 && samples.at(-1)?.demand === 0) samples.length = 0;
      samples.push({ atSeconds: nowSeconds, demand });
      while ((samples[0]?.atSeconds ?? nowSeconds) < nowSeconds - stableSeconds) samples.shift();
      const ready = Math.max(1, view.workers.filter(({ sim }) => sim !== undefined).length);
      let wanted = Math.ceil(meanSince(nowSeconds - stableSeconds) / utilisation);
      const panic = Math.ceil(meanSince(nowSeconds - stableSeconds / 10) / utilisation);
      if (panic / ready >= 2) panicUntil = nowSeconds + stableSeconds;
      const panics = nowSeconds < panicUntil;
      panicMost = panics ? Math.max(panicMost, panic, wanted) : 0;
      if (panics) wanted = Math.max(panicMost, have);
      zeroSince = wanted > 0 ? Infinity : Math.min(zeroSince, nowSeconds);
      if (wanted >= have) return reach(view, wanted);
      if (nowSeconds - zeroSince >= 30) return reach(view, 0);
      return reach(view, Math.max(1, wanted, Math.floor(have / 2)));
    },
  };
}

/** Always as many as the largest concurrency needs. */
export function alwaysOn(workers: number): ElasticScaler {
  return {
    name: `always on, ${workers}`,
    intervalSeconds: 3600,
    sleeps: false,
    decide: (view) => ({ launch: Math.max(0, workers - view.workers.length), drain: [] }),
  };
}

/**
 * The hybrid histogram of serverless functions: idle workers stay until the 99th percentile of the
 * idle times seen so far, within half an hour.
 */
export function hybridHistogram(rangeSeconds = 1800): ElasticScaler {
  const gaps: number[] = [];
  let [emptySince, keepSeconds] = [Infinity, rangeSeconds];
  return {
    name: `hybrid histogram ${rangeSeconds / 60} min`,
    intervalSeconds: 2,
    sleeps: false,
    decide: (view) => {
      const demand = demandOf(view);
      if (demand === 0) emptySince = Math.min(emptySince, view.nowSeconds);
      else if (emptySince < Infinity) {
        gaps.push(Math.min(rangeSeconds, view.nowSeconds - emptySince));
        emptySince = Infinity;
        const sorted = gaps.slice(-200).sort((left, right) => left - right);
        keepSeconds = sorted[Math.floor(sorted.length * 0.99)] ?? rangeSeconds;
      }
      const launch = Math.max(0, demand - view.workers.length);
      return { launch, drain: launch > 0 ? [] : idleFor(view, keepSeconds) };
    },
  };
}
