/** Forecasts of the bucket `ahead` buckets after the last of `values`; 1 is the next one. */
export type Forecaster = (values: readonly number[], ahead: number) => number;

const bucketsADay = 144;
const bucketsAWeek = 7 * bucketsADay;

/** The level of the last hours: all that can be said within the first day. */
export const ewmaForecast: Forecaster = (values) => {
  let level = values[0] ?? 0;
  for (const value of values.slice(-bucketsADay)) level += 0.3 * (value - level);
  return level;
};

/**
 * The median of the same time of day, one bucket either way, over the days seen; raised or lowered
 * as today so far compares with its own profile.
 */
export const dailyForecast: Forecaster = (values, ahead) => {
  const at = values.length - 1 + ahead;
  const profile = profileAt(values, at);
  const recent = Array.from({ length: 18 }, (_, back) => values.length - 1 - back);
  const seen = recent.reduce((sum, index) => sum + (values[index] ?? 0), 0);
  const usual = recent.reduce((sum, index) => sum + profileAt(values, index), 0);
  const level = usual === 0 ? 1 : Math.min(3, Math.max(1 / 3, seen / usual));
  return profile * level;
};

function profileAt(values: readonly number[], at: number): number {
  const near: number[] = [];
  for (let index = at - bucketsADay; index >= 0; index -= bucketsADay) {
    for (const neighbour of [index - 1, index, index + 1]) {
      const value = values[neighbour];
      if (value !== undefined) near.push(value);
    }
  }
  near.sort((left, right) => left - right);
  return near[Math.floor(near.length / 2)] ?? 0;
}

/** Smoothing of level, trend and season; fixed, since two weeks are too little to fit them. */
const smoothing = { level: 0.2, trend: 0.001, season: 0.3 };

/**
 * Holt-Winters, additive over a week, on the square roots: they even out the bursts, and their
 * squares are never below zero.
 */
export const weeklyForecast: Forecaster = (values, ahead) => {
  const roots = values.map((value) => Math.sqrt(Math.max(0, value)));
  const first = roots.slice(0, bucketsAWeek);
  const mean = first.reduce((sum, root) => sum + root, 0) / Math.max(1, first.length);
  const season = first.map((root) => root - mean);
  let [level, trend] = [mean, 0];
  for (let index = bucketsAWeek; index < roots.length; index++) {
    const place = index % bucketsAWeek;
    const root = roots[index] ?? 0;
    const usual = season[place] ?? 0;
    const before = level;
    level += trend + smoothing.level * (root - usual - level - trend);
    trend += smoothing.trend * (level - before - trend);
    season[place] = usual + smoothing.season * (root - level - usual);
  }
  const place = (roots.length - 1 + ahead) % bucketsAWeek;
  return Math.max(0, level + ahead * trend + (season[place] ?? 0)) ** 2;
};

export interface Rung {
  readonly name: "level" | "daily" | "weekly";
  readonly forecast: Forecaster;
}

/** What the history is long enough for. */
export function rungFor(buckets: number): Rung {
  if (buckets < bucketsADay) return { name: "level", forecast: ewmaForecast };
  if (buckets < 2 * bucketsAWeek) return { name: "daily", forecast: dailyForecast };
  return { name: "weekly", forecast: weeklyForecast };
}
