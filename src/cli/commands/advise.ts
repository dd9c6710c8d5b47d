import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { Offer } from "../../catalogue/schema.ts";
import { advise, type AdviceInput, type Option } from "../../cost/advise.ts";
import { breakEvens, type BreakEven } from "../../cost/break-even.ts";
import { rulesFor, type Priority, type Rule, type UseCase } from "../../cost/framework.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import type { CommandContext } from "../command-context.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { offersOf, platformsOf } from "../pricing/offers.ts";
import { subjectOf, type SubjectFlags } from "../pricing/subject.ts";
import { formatTable } from "../table.ts";
import { staleNotes } from "./cost.ts";

export interface AdviseFlags extends SubjectFlags {
  readonly platforms: readonly string[];
  readonly latencyMs: number;
  readonly requestsPerDay: number;
  readonly peakFactor: number;
  readonly priority: Priority;
  readonly useCase: UseCase | null;
  readonly limit: number;
}

const playedJobs = 1_000;
const seed = 1;
const ownHardware = "local";

/** `hearth advise`: which platform and card, why, and what would change the answer. */
export async function giveAdvice(context: CommandContext, flags: AdviseFlags): Promise<void> {
  const { output } = context;
  const catalogue = await catalogueOf(context);
  const asked = platformsOf(catalogue, flags.platforms);
  // Whoever asks where to rent is not told to buy, unless by name; what that would cost is said.
  const rented = asked.filter(({ id }) => flags.platforms.length > 0 || id !== ownHardware);
  const offers = offersOf(catalogue, rented, undefined);
  const { subject, assumptions } = await subjectOf(context, catalogue, flags);
  const { latencyMs, requestsPerDay, peakFactor } = flags;
  const input: AdviceInput = {
    subject,
    requestsPerDay,
    peakFactor,
    latencyMs,
    seed,
    jobs: playedJobs,
  };
  const advice = advise(catalogue, offers, input);
  output.note("looking for the rates that would change the answer");
  const changes = breakEvens(catalogue, offers, input);
  const rules = rulesFor(flags).map((rule) => judge(rule, advice.options));
  const own = advise(catalogue, ownOffers(catalogue), input).options[0];
  const shown = advice.options.slice(0, flags.limit);
  const traffic = `${requestsPerDay} requests a day, Poisson, the busiest hour ${peakFactor} times the mean (${advice.playedJobs} jobs played, seed ${seed})`;
  const assumed = [traffic, ...assumptions];
  const lines = [
    table(shown),
    "",
    ...verdict(shown[0], latencyMs),
    ...changes.map(describeChange),
    ...(own === undefined ? [] : [describeOwn(own)]),
    "",
    ...rules.map(({ text }) => text),
    `cards too small: ${advice.tooSmall.length}`,
    `assumed: ${assumed.join("; ")}`,
    ...staleNotes(catalogue, shown.length),
  ];
  output.result(
    { options: shown, changes, rules, own, tooSmall: advice.tooSmall, assumed },
    lines.join("\n"),
  );
}

function ownOffers(catalogue: Catalogue): readonly Offer[] {
  return catalogue.offers.filter(({ platform }) => platform === ownHardware);
}

function table(options: readonly Option[]): string {
  return formatTable(
    options.map((option, index) => ({ ...option, rank: index + 1 })),
    [
      { title: "#", text: ({ rank }) => String(rank), align: "right" },
      { title: "PLATFORM", text: ({ estimate }) => estimate.offer.platform },
      { title: "CARD", text: ({ estimate }) => estimate.offer.gpu },
      { title: "IN TIME", text: ({ meetsLatency }) => (meetsLatency ? "yes" : "no") },
      {
        title: "JOB",
        text: ({ estimate }) => formatMicroUsd(estimate.jobMicroUsd),
        align: "right",
      },
      {
        title: "MONTH",
        text: ({ estimate }) => formatMicroUsd(estimate.monthMicroUsd),
        align: "right",
      },
      {
        title: "P50",
        text: ({ estimate }) => formatDurationMs(estimate.latencyP50Ms),
        align: "right",
      },
      {
        title: "P95",
        text: ({ estimate }) => formatDurationMs(estimate.latencyP95Ms),
        align: "right",
      },
      { title: "WHY", text: ({ reasons }) => reasons.join("; ") },
    ],
  );
}

function verdict(best: Option | undefined, latencyMs: number): readonly string[] {
  if (best === undefined) return ["No card has the memory."];
  const name = nameOf(best);
  return best.meetsLatency
    ? [`${name} is the cheapest that answers 95 % of jobs within ${formatDurationMs(latencyMs)}.`]
    : [
        `Nothing answers 95 % of jobs within ${formatDurationMs(latencyMs)}; ${name} comes closest.`,
      ];
}

function describeChange({ requestsPerDay, direction, option }: BreakEven): string {
  return `${direction === "above" ? "From" : "Below"} about ${requestsPerDay} a day: ${nameOf(option)}.`;
}

function describeOwn({ estimate }: Option): string {
  const { offer, monthMicroUsd, keeping, latencyP95Ms } = estimate;
  const machines = `${keeping.warmInstances} of your own ${offer.gpu}`;
  return `For comparison, ${machines}: ${formatMicroUsd(monthMicroUsd)} a month, p95 ${formatDurationMs(latencyP95Ms)} (${offer.note ?? offer.source})`;
}

interface JudgedRule extends Rule {
  readonly agrees: boolean;
  readonly text: string;
}

/** Holds a rule that knows no prices against what was played. */
function judge(rule: Rule, options: readonly Option[]): JudgedRule {
  const [best] = options;
  const { criterion, advice, platforms } = rule;
  const agrees =
    best === undefined ||
    platforms.length === 0 ||
    platforms.includes(best.estimate.offer.platform);
  const named = options.find(({ estimate }) => platforms.includes(estimate.offer.platform));
  const text = `by ${criterion}: ${advice}; ${agrees ? "this agrees" : difference(best, named)}`;
  return { ...rule, agrees, text };
}

function difference(best: Option | undefined, named: Option | undefined): string {
  if (named === undefined) return "what it names has no card for this";
  if (best?.meetsLatency === true && !named.meetsLatency) {
    return `${nameOf(named)} would be late (p95 ${formatDurationMs(named.estimate.latencyP95Ms)})`;
  }
  return `${nameOf(named)} would cost ${formatMicroUsd(named.estimate.jobMicroUsd)} a job`;
}

function nameOf({ estimate }: Option): string {
  return `${estimate.offer.platform} ${estimate.offer.gpu}`;
}
