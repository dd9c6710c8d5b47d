import { CliFailure } from "../failure.ts";
import { clientOf, settingsOf, type CommandContext } from "../command-context.ts";
import { checkDatabase } from "../doctor/database.ts";
import { checkDataFolder } from "../doctor/data-folder.ts";
import { checkBlobs } from "../doctor/blob-store.ts";
import type { Finding } from "../doctor/finding.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { jobListSchema } from "../api/shapes.ts";

/** `hearth doctor`: looks, changes nothing that lasts, and starts nothing. */
export async function runDoctor(context: CommandContext): Promise<void> {
  const { output } = context;
  const settings = await settingsOf(context);
  const findings: Finding[] = [
    checkNode(),
    await checkDataFolder(settings),
    ...(await checkDatabase(settings)),
    await checkBlobs(settings),
    await checkGateway(context),
  ];
  const failed = findings.filter((finding) => finding.state === "fail");
  const text = findings.map((finding) => formatFinding(finding, context)).join("\n");
  if (failed.length === 0) return output.result(findings, text);
  if (!output.isJson) output.result(findings, text);
  const names = failed.map((finding) => finding.name).join(", ");
  throw new CliFailure("checks_failed", `Not in order: ${names}.`, { details: { findings } });
}

function checkNode(): Finding {
  return { name: "node", state: "ok", detail: `${process.version} on ${process.platform}` };
}

async function checkGateway(context: CommandContext): Promise<Finding> {
  const client = clientOf(context);
  const name = "gateway";
  try {
    await client.json(jobListSchema, "GET", "/api/v2/jobs?limit=1");
    return { name, state: "ok", detail: `answers at ${client.baseUrl}` };
  } catch (thrown) {
    if (thrown instanceof HearthError && thrown.code === "service_unavailable") {
      const hint = "Start one with hearth up, or set HEARTH_URL.";
      return { name, state: "warn", detail: `nothing answers at ${client.baseUrl}`, hint };
    }
    const hint = "Set HEARTH_URL and HEARTH_API_KEY.";
    return { name, state: "fail", detail: errorMessage(thrown), hint };
  }
}

function formatFinding(finding: Finding, context: CommandContext): string {
  const { green, yellow, red, dim } = context.output.colors;
  const mark = { ok: green("ok  "), warn: yellow("warn"), fail: red("fail") }[finding.state];
  const hint = finding.hint === undefined ? "" : `\n                   ${dim(finding.hint)}`;
  return `${mark}  ${finding.name.padEnd(13)}${finding.detail}${hint}`;
}
