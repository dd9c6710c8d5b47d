import { relative, resolve } from "node:path";

import { defaultImageOptions, type ImageOptions } from "../../deploy/image-options.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import { writeContext, type BuildReport } from "../build/write-context.ts";
import type { CommandContext } from "../command-context.ts";
import { readLockFile } from "../lock-file.ts";
import { formatTable } from "../table.ts";

export interface BuildFlags {
  readonly lock: string;
  readonly out: string;
  readonly isBaked: boolean;
  readonly baseImage: string | undefined;
  readonly python: string | undefined;
}

/** `hearth build`: the build context of a release's worker image. */
export async function buildImage(context: CommandContext, flags: BuildFlags): Promise<void> {
  const { io, output } = context;
  const lock = await readLockFile(resolve(io.folder, flags.lock));
  const options: ImageOptions = {
    ...defaultImageOptions,
    isBaked: flags.isBaked,
    ...(flags.baseImage !== undefined && { baseImage: flags.baseImage }),
    python: flags.python ?? lock.python ?? defaultImageOptions.python,
  };
  const folder = resolve(io.folder, flags.out);
  const report = await writeContext(lock, folder, options);
  for (const warning of report.warnings) output.note(`warning: ${warning}`);
  output.result(jsonOf(report), textOf(report, relative(io.folder, folder) || "."));
}

function textOf({ name, layers, size }: BuildReport, folder: string): string {
  const final = layers.filter(({ stage }) => stage === "final");
  const table = formatTable(final, [
    { title: "LAYER", text: ({ title }) => title },
    { title: "ABOUT", text: ({ estimatedBytes }) => sizeText(estimatedBytes), align: "right" },
    { title: "BUILT AGAIN WITH", text: ({ changesWith }) => changesWith },
  ]);
  const limits = formatTable(size.verdicts, [
    { title: "PLATFORM", text: ({ platform }) => platform },
    {
      title: "LIMIT",
      text: ({ imageBytes }) => (Number.isFinite(imageBytes) ? formatBytes(imageBytes) : "none"),
      align: "right",
    },
    { title: "FITS", text: ({ fits }) => (fits ? "yes" : "no") },
  ]);
  const total = `About ${formatBytes(size.totalBytes)} unpacked${size.unknown.length > 0 ? `, without ${size.unknown.join(", ")}` : ""}.`;
  return [table, "", total, "", limits, "", `docker build -t ${name} ${folder}`].join("\n");
}

function sizeText(bytes: number | null): string {
  return bytes === null ? "" : formatBytes(bytes);
}

/** No limit has no number in JSON. */
function jsonOf({ size, ...report }: BuildReport): object {
  const verdicts = size.verdicts.map(({ imageBytes, ...verdict }) => ({
    ...verdict,
    imageBytes: Number.isFinite(imageBytes) ? imageBytes : null,
  }));
  return { ...report, size: { ...size, verdicts } };
}
