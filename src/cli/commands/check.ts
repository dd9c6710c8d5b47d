import {
  fitPlatform,
  type Fit,
  type LimitCheck,
  type NeedName,
  type Needs,
} from "../../catalogue/fit.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { platformsOf } from "../pricing/offers.ts";
import { subjectOf, type SubjectFlags } from "../pricing/subject.ts";
import { formatTable } from "../table.ts";

export interface CheckFlags extends SubjectFlags {
  readonly platforms: readonly string[];
  readonly memoryBytes: number | undefined;
  readonly imageBytes: number | undefined;
  readonly responseBytes: number | undefined;
  readonly instances: number | undefined;
  readonly gpus: readonly string[];
}

/** `hearth check`: which platforms a workflow fits, and the number that decides. */
export async function checkFit(context: CommandContext, flags: CheckFlags): Promise<void> {
  const catalogue = await catalogueOf(context);
  const platforms = platformsOf(catalogue, flags.platforms);
  const unknown = flags.gpus.find((id) => !catalogue.gpuById.has(id));
  if (unknown !== undefined) throw new CliFailure("usage", `There is no card ${unknown}.`);
  const known = await subjectOf(context, catalogue, flags);
  const needs: Needs = {
    vramBytes: known.vramBytes,
    memoryBytes: flags.memoryBytes ?? null,
    imageBytes: flags.imageBytes ?? null,
    runMs: known.runMs,
    requestBytes: known.requestBytes,
    responseBytes: flags.responseBytes ?? null,
    instances: flags.instances ?? null,
    gpus: flags.gpus,
  };
  const fits = platforms.map((platform) => fitPlatform(catalogue, platform, needs));
  const data = { needs, fits: fits.map(summaryOf) };
  const doesFit = fits.some(({ verdict }) => verdict === "fits");
  // With --json the failure is the one envelope.
  if (doesFit || !context.output.isJson) context.output.result(data, table(fits));
  const open = unknownNeeds(needs);
  if (open.length > 0) context.output.note(`not known, so not held: ${open.join(", ")}`);
  if (doesFit) return;
  throw new CliFailure("checks_failed", "No platform fits.", {
    details: data,
    hint: "The deciding numbers above say what would have to be smaller.",
  });
}

function summaryOf({ platform, ...fit }: Fit): object {
  return { platform: platform.id, ...fit };
}

function table(fits: readonly Fit[]): string {
  return formatTable(fits, [
    { title: "PLATFORM", text: (fit) => fit.platform.id },
    { title: "FITS", text: (fit) => (fit.verdict === "fits" ? "yes" : "no") },
    { title: "DECIDED BY", text: (fit) => decision(fit.deciding) },
    { title: "CARDS", text: (fit) => fit.gpus.join(", ") },
    { title: "SOURCE", text: (fit) => fit.deciding?.source ?? "" },
    { title: "AS OF", text: (fit) => fit.deciding?.asOf ?? "" },
  ]);
}

const titles: Readonly<Record<NeedName, string>> = {
  vramBytes: "video memory",
  memoryBytes: "memory",
  imageBytes: "image size",
  runMs: "run time",
  requestBytes: "request",
  responseBytes: "response",
  instances: "workers at once",
};

function decision(check: LimitCheck | undefined): string {
  if (check === undefined) return "nothing";
  const { need, needed, allowed, holds } = check;
  const limit = allowed === null || allowed === undefined ? "no limit" : amount(need, allowed);
  return `${titles[need]}: ${amount(need, needed)} ${holds ? "of" : "is more than"} ${limit}`;
}

function amount(need: NeedName, value: number): string {
  if (need === "runMs") return formatDurationMs(value);
  return need === "instances" ? String(value) : formatBytes(value);
}

const flagByNeed: Readonly<Record<NeedName, string>> = {
  vramBytes: "--vram",
  memoryBytes: "--memory",
  imageBytes: "--image",
  runMs: "--seconds",
  requestBytes: "a workflow file",
  responseBytes: "--response",
  instances: "--workers",
};

function unknownNeeds(needs: Needs): readonly string[] {
  const names = Object.keys(titles) as NeedName[];
  return names
    .filter((need) => needs[need] === null)
    .map((need) => `${titles[need]} (${flagByNeed[need]})`);
}
