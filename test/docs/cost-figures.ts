import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { FactName } from "../../src/catalogue/schema.ts";
import { coldExecutionCostMicroUsd, executionCostMicroUsd } from "../../src/cost/calculators.ts";
import { hourlyRate } from "../../src/cost/rate.ts";
import { formatBytes } from "../../src/kernel/bytes.ts";
import { formatDurationMs } from "../../src/kernel/duration.ts";
import { formatMicroUsd } from "../../src/kernel/money.ts";

/** A figure that the requirements state, and what the catalogue and the calculators say today. */
export interface Figure {
  readonly name: string;
  readonly required: string;
  readonly today: string;
}

/** The inputs of the requirements' two calculators, in dollars a second. */
const requiredPerSecond = {
  runpod: { "rtx-4090": 0.00034, "rtx-3090": 0.00022, "a100-80": 0.00079 },
  modal: { "a100-80": 0.00417, t4: 0.000556 },
} as const;

const executionMs = 45_000;
/** What the requirements' Modal calculator adds. */
const startMs = 3_000;

function hourly(perSecond: number): number {
  return Math.round(perSecond * 3_600_000_000);
}

function gpuRate(catalogue: Catalogue, platform: string, gpu: string): number {
  const offer = catalogue.offers.find((each) => each.platform === platform && each.gpu === gpu);
  if (offer === undefined) throw new Error(`No offer of ${gpu} on ${platform}`);
  return offer.gpuMicroUsdPerHour;
}

function rateFigures(catalogue: Catalogue): readonly Figure[] {
  return Object.entries(requiredPerSecond).flatMap(([platform, cards]) =>
    Object.entries(cards).map(([gpu, perSecond]) => ({
      name: `${platform} ${gpu}, a second`,
      required: `$${perSecond}`,
      today: `$${Number((gpuRate(catalogue, platform, gpu) / 3_600_000_000).toFixed(9))}`,
    })),
  );
}

/** Each calculator fed with its own prices, and with today's. */
function exampleFigures(catalogue: Catalogue): readonly Figure[] {
  const runpod = Object.entries(requiredPerSecond.runpod).map(([gpu, perSecond]) => ({
    name: `45 s on runpod ${gpu}`,
    required: formatMicroUsd(executionCostMicroUsd(hourly(perSecond), executionMs)),
    today: formatMicroUsd(executionCostMicroUsd(gpuRate(catalogue, "runpod", gpu), executionMs)),
  }));
  const modal = Object.entries(requiredPerSecond.modal).map(([gpu, perSecond]) => ({
    name: `45 s on modal ${gpu} after a 3 s start`,
    required: formatMicroUsd(coldExecutionCostMicroUsd(hourly(perSecond), executionMs, startMs)),
    today: formatMicroUsd(
      coldExecutionCostMicroUsd(gpuRate(catalogue, "modal", gpu), executionMs, startMs),
    ),
  }));
  return [...runpod, ...modal];
}

function fact(catalogue: Catalogue, platform: string, name: FactName): string {
  const row = catalogue.factByKey.get(`${platform}/${name}`);
  if (row === undefined) return "not known";
  if (row.value === null) return "no limit";
  return name.endsWith("Bytes") ? formatBytes(row.value) : formatDurationMs(row.value);
}

function starts(catalogue: Catalogue, platform: string): string {
  return `${fact(catalogue, platform, "startLowMs")} to ${fact(catalogue, platform, "startHighMs")}`;
}

function cards(catalogue: Catalogue, platform: string): string {
  const found = catalogue.offers.filter((offer) => offer.platform === platform);
  return found.map(({ gpu }) => gpu).join(", ") || "none";
}

function limitFigures(catalogue: Catalogue): readonly Figure[] {
  const of = (name: string, required: string, today: string): Figure => ({ name, required, today });
  return [
    of("aws-lambda, memory", "10.0 GiB", fact(catalogue, "aws-lambda", "memoryBytes")),
    of("aws-lambda, run time", "15 min 0 s", fact(catalogue, "aws-lambda", "jobMs")),
    of("aws-lambda, image", "10.0 GiB", fact(catalogue, "aws-lambda", "imageBytes")),
    of("cloud-functions, memory", "8.0 GiB", fact(catalogue, "cloud-functions", "memoryBytes")),
    of("cloud-functions, run time", "1 h 0 min", fact(catalogue, "cloud-functions", "jobMs")),
    of("azure-functions, memory", "14.0 GiB", fact(catalogue, "azure-functions", "memoryBytes")),
    of("azure-functions, run time", "no limit", fact(catalogue, "azure-functions", "jobMs")),
    of("runpod, cold start", "below 200 ms", starts(catalogue, "runpod")),
    of("modal, cold start", "2 to 4 s", starts(catalogue, "modal")),
    of("ecs, cold start", "10 to 30 s", starts(catalogue, "ecs")),
    of("cloud-run, cold start", "5 to 15 s", starts(catalogue, "cloud-run")),
    of("runpod, image", "no limit", fact(catalogue, "runpod", "imageBytes")),
    of("modal, image", "93.1 GiB", fact(catalogue, "modal", "imageBytes")),
    of("cloud-run, cards", "T4, V100", cards(catalogue, "cloud-run")),
    of("container-instances, cards", "K80, V100", cards(catalogue, "container-instances")),
  ];
}

/** What the shapes that a card forces upon its renter make of its price. */
function allInFigures(catalogue: Catalogue): readonly Figure[] {
  const hour = (platform: string, gpu: string): string => {
    const offer = catalogue.offers.find((each) => each.platform === platform && each.gpu === gpu);
    return offer === undefined ? "none" : formatMicroUsd(hourlyRate(offer).totalMicroUsd);
  };
  return [
    { name: "an hour of an L4 on Cloud Run, all-in", required: "", today: hour("cloud-run", "l4") },
    { name: "an hour of an L4 on RunPod, all-in", required: "", today: hour("runpod", "l4") },
    {
      name: "an hour of an RTX PRO 6000 on Cloud Run, all-in",
      required: "",
      today: hour("cloud-run", "rtx-pro-6000"),
    },
    {
      name: "an hour of a T4 on Container Apps, all-in",
      required: "",
      today: hour("container-apps", "t4"),
    },
  ];
}

/** Every figure of docs/cost.md that is computed from something. */
export function costFigures(catalogue: Catalogue): readonly Figure[] {
  return [
    ...exampleFigures(catalogue),
    ...rateFigures(catalogue),
    ...limitFigures(catalogue),
    ...allInFigures(catalogue),
  ];
}
