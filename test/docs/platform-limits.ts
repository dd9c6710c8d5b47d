import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { Fact, FactName } from "../../src/catalogue/schema.ts";
import { formatBytes } from "../../src/kernel/bytes.ts";
import { formatDurationMs } from "../../src/kernel/duration.ts";
import { formatMicroUsd } from "../../src/kernel/money.ts";

const titles: Readonly<Record<FactName, string>> = {
  memoryBytes: "memory",
  diskBytes: "disk",
  imageBytes: "container image",
  jobMs: "run time",
  requestBytes: "request",
  responseBytes: "response",
  instances: "instances at once",
  billingGranularityMs: "billed by",
  minimumBilledMs: "billed at least",
  idleTailMs: "idle tail",
  idleTailMaxMs: "longest idle tail",
  storageMicroUsdPerGibMonth: "storage, a GiB and month",
  fixedMicroUsdPerMonth: "fixed, a month",
  startLowMs: "start, at best",
  startTypicalMs: "start, usually",
  startHighMs: "start, at worst",
  startIsBilled: "start is billed",
};

/** The page as it must stand: one table a platform, each row with source and day. */
export function platformLimitsPage(catalogue: Catalogue): string {
  const sections = catalogue.platforms.map((platform) => {
    const facts = catalogue.facts.filter((fact) => fact.platform === platform.id);
    const cards = catalogue.offers.filter((offer) => offer.platform === platform.id);
    const names = [...new Set(cards.map(({ gpu }) => gpu))].join(", ");
    return [
      `## ${platform.name} (\`${platform.id}\`)`,
      "",
      `Cards: ${names || "none"}. Kept warm by: ${platform.keepWarm}. Scales to zero: ${platform.scalesToZero ? "yes" : "no"}.${platform.note === undefined ? "" : ` ${platform.note}`}`,
      "",
      ...table(facts),
      "",
    ];
  });
  return `${[
    "# Platform limits",
    "",
    "Written by `npm run docs:limits` from `src/catalogue/`; a test compares the two. `hearth check` holds workflows against these numbers. Grades: `vendor` was read at the vendor, `secondary` elsewhere, `recollection` has not been checked again, `assumption` is Hearth's own. Starts are from launch to a worker that is ready, without model weights. Memory and sizes are in powers of 1024.",
    "",
    ...sections.flat(),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

function table(facts: readonly Fact[]): readonly string[] {
  const rows = [
    ["what", "value", "grade", "source", "as of", "note"],
    ...facts.map((fact) => [
      titles[fact.fact],
      valueOf(fact),
      fact.grade,
      fact.source,
      fact.asOf,
      (fact.note ?? "").replaceAll("|", "/"),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4, 5].map((column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)];
}

function valueOf({ fact, value }: Fact): string {
  if (value === null) return "no limit";
  if (fact === "startIsBilled") return value === 1 ? "yes" : "no";
  if (fact.includes("MicroUsd")) return formatMicroUsd(value);
  if (fact.endsWith("Bytes")) return formatBytes(value);
  return fact.endsWith("Ms") ? formatDurationMs(value) : String(value);
}
