import { barChart, lineChart, roundStep, type Series } from "./chart.ts";
import type { FleetRun } from "./fixed-fleet.ts";
import type { Outcome } from "./outcome.ts";

export interface PlottedRun extends FleetRun {
  readonly name: string;
}

const colours = ["#0b7a75", "#b4532a", "#d99a2b", "#7a5ca3", "#4776b9", "#8a8a8a"];
const whole = (value: number): string => String(Math.round(value));
const percent = (value: number): string => `${Math.round(100 * value)} %`;

/** SVG documents by name: how long results took, how often models were swapped, who was busy. */
export function fleetPlots(
  title: string,
  runs: readonly PlottedRun[],
  workers: number,
): readonly { readonly name: string; readonly svg: string }[] {
  return [
    { name: "latency", svg: latencyPlot(title, runs) },
    { name: "swaps", svg: swapPlot(title, runs) },
    { name: "utilisation", svg: utilisationPlot(title, runs, workers) },
  ];
}

const longestShownSeconds = 180;

function latencyPlot(title: string, runs: readonly PlottedRun[]): string {
  const seconds = Array.from({ length: longestShownSeconds / 2 + 1 }, (_, index) => 2 * index);
  const chart = {
    title: `${title}: time to the result`,
    x: {
      title: "seconds from arrival to result",
      from: 0,
      to: longestShownSeconds,
      step: 20,
      format: String,
    },
    y: { title: "share of the jobs", from: 0, to: 1, step: 0.1, format: percent },
  };
  const draw = ({ outcome }: FleetRun): Series["points"] => {
    const counts = countUpTo(outcome, longestShownSeconds);
    return seconds.map((second) => [second, (counts[second] ?? 0) / outcome.jobs.length]);
  };
  return lineChart(chart, coloured(runs, draw));
}

/** At index s, the jobs whose result came within s seconds. */
function countUpTo({ jobs }: Outcome, most: number): readonly number[] {
  const counts = Array<number>(most + 1).fill(0);
  for (const { latencySeconds } of jobs) {
    const second = Math.ceil(latencySeconds);
    if (second <= most) counts[second] = (counts[second] ?? 0) + 1;
  }
  let sum = 0;
  return counts.map((count) => (sum += count));
}

function swapPlot(title: string, runs: readonly PlottedRun[]): string {
  const most = Math.max(1, ...runs.map(({ summary }) => summary.swapsPer1000));
  const step = roundStep(most, 6);
  const to = step * Math.ceil((most * 1.05) / step);
  const y = { title: "models loaded into VRAM for 1,000 jobs", from: 0, to, step, format: whole };
  return barChart({ title: `${title}: swaps`, y }, coloured(runs, swapBar));
}

function swapBar({ summary }: FleetRun): Series["points"] {
  return [[0, summary.swapsPer1000]];
}

const hourSeconds = 3600;

function utilisationPlot(title: string, runs: readonly PlottedRun[], workers: number): string {
  const chart = {
    title: `${title}: how busy the workers are`,
    x: {
      title: "hour of the day",
      from: 0,
      to: 24,
      step: 3,
      format: (hour: number) => `${hour}:00`,
    },
    y: {
      title: "share of the workers' time that is spent loading or running",
      from: 0,
      to: 1,
      step: 0.2,
      format: percent,
    },
  };
  const draw = ({ outcome }: FleetRun): Series["points"] =>
    busyByHour(outcome, workers).map((share, hour) => [hour + 0.5, share]);
  return lineChart(chart, coloured(runs, draw));
}

/** Mean share of busy workers in each hour of the day, over all days of the run. */
function busyByHour({ jobs }: Outcome, workers: number): readonly number[] {
  const busySeconds = Array<number>(24).fill(0);
  let [first, last] = [Infinity, -Infinity];
  for (const { job, waitSeconds, latencySeconds } of jobs) {
    const end = job.arrivalSeconds + latencySeconds;
    first = Math.min(first, job.arrivalSeconds);
    last = Math.max(last, end);
    for (let at = job.arrivalSeconds + waitSeconds; at < end;) {
      const hourEnd = Math.min(end, (Math.floor(at / hourSeconds) + 1) * hourSeconds);
      const hour = Math.floor(at / hourSeconds) % 24;
      busySeconds[hour] = (busySeconds[hour] ?? 0) + hourEnd - at;
      at = hourEnd;
    }
  }
  const days = Math.max(1, (last - first) / (24 * hourSeconds));
  return busySeconds.map((seconds) => seconds / (days * hourSeconds * workers));
}

function coloured(
  runs: readonly PlottedRun[],
  draw: (run: PlottedRun) => Series["points"],
): readonly Series[] {
  return runs.map((run, index) => ({
    name: run.name,
    colour: colours[index % colours.length] ?? "#000000",
    points: draw(run),
  }));
}
