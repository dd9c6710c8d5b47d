import { formatDurationMs } from "../../kernel/duration.ts";
import type { FirstPicture } from "./first-picture.ts";

export interface BannerFacts {
  readonly url: string;
  readonly dataDir: string;
  readonly database: string;
  readonly blobs: string;
  readonly workersReady: number;
  readonly workersWanted: number;
  /** Such as "built-in engine". */
  readonly workerKind: string;
  readonly picture: FirstPicture | undefined;
  /** An example's path. */
  readonly workflowPath: string;
}

/** What `hearth up` says once it is up: where everything is, and three ways to use it. */
export function formatBanner(facts: BannerFacts): string {
  return [
    "Hearth is up.",
    "",
    ...factLines(facts),
    "",
    "Try it:",
    `  npx hearth run ${facts.workflowPath} --out pictures`,
    `  curl -s ${facts.url}/api/v2/jobs -H 'Content-Type: application/json' \\`,
    `    -d "{\\"workflow\\": $(cat ${facts.workflowPath})}"`,
    `  COMFY_BASE_URL=${facts.url} node --input-type=module -e 'import { Comfy } from "@comfyorg/sdk";`,
    `    const comfy = new Comfy(), workflow = await comfy.workflows.fromFile("${facts.workflowPath}");`,
    `    await (await comfy.run(workflow)).outputs[0].toFile("sdk.png")'`,
    "",
    "Ctrl-C stops it; jobs and pictures stay.",
  ].join("\n");
}

function factLines(facts: BannerFacts): readonly string[] {
  const { workersReady, workersWanted, workerKind, picture } = facts;
  const workers = workersWanted === 0 ? "none" : `${workersReady} of ${workersWanted} ready`;
  const kind = workersWanted === 0 ? "" : ` (${workerKind})`;
  const lines: (readonly [string, string])[] = [
    ["API", `${facts.url}/api/v2`],
    ["workers", workers + kind],
    ["database", facts.database],
    ["files", facts.blobs],
    ["data", facts.dataDir],
  ];
  if (picture !== undefined) {
    const took = picture.tookMs === null ? "" : ` (made in ${formatDurationMs(picture.tookMs)})`;
    lines.push(["picture", picture.path + took]);
  }
  return lines.map(([name, value]) => `  ${name.padEnd(10)}${value}`);
}
