import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { writeRendered } from "./rendered.ts";

const python = fileURLToPath(new URL("../../.cache/python/bin/python", import.meta.url));
/** `.ci/run` sets the environment up; elsewhere it is optional. */
const isHere = existsSync(python) || process.env.CI === "true";

async function check(platform: string, program: string): Promise<string> {
  const cwd = await writeRendered(platform);
  return (await promisify(execFile)(python, ["-c", program], { cwd })).stdout;
}

const wheels = fileURLToPath(new URL("../../.cache/wheels/", import.meta.url));
const wheel = `${wheels}cdktf_cdktf_provider_aws-21.22.1-py3-none-any.whl`;
const schemaCheck = fileURLToPath(new URL("terraform_schema.py", import.meta.url));
const hasProvider = existsSync(wheel) || process.env.CI === "true";

/** What the AWS provider's own schema finds wrong, a line each, and how much was held against it. */
async function providerFaults(folder: string): Promise<{ faults: string; checked: string }> {
  const args = [schemaCheck, wheel, join(folder, "main.tf")];
  const { stdout, stderr } = await promisify(execFile)(python, args);
  return { faults: stdout, checked: stderr.trim() };
}

it.runIf(hasProvider).each([
  ["ecs", "14 checked", "storage_size_gib", "aws_ecs_capacity_provider.gpu.managed_instances"],
  ["lambda", "9 checked", "integration_uri", "aws_apigatewayv2_integration.gateway"],
])(
  "Terraform for %s has what the AWS provider's schema asks for, and nothing that it does not know",
  async (platform, checked, key, where) => {
    const folder = await writeRendered(platform);
    expect(await providerFaults(folder)).toEqual({ faults: "", checked });
    const main = join(folder, "main.tf");
    await writeFile(main, (await readFile(main, "utf8")).replace(key, `${key}s`));
    const { faults } = await providerFaults(folder);
    expect(faults).toContain(`there is no ${key}s`);
    expect(faults).toContain(where);
  },
  60_000,
);

const importApp = `
import app, json
spec = app.drain._spec_
print(json.dumps({"gpu": str(spec.gpus), "memory": spec.memory}))
`;

it.runIf(isHere)(
  "Modal's own package takes the generated app",
  async () => {
    const spec = JSON.parse(await check("modal", importApp)) as Record<string, unknown>;
    expect(spec).toEqual({ gpu: "L4", memory: 16_384 });
  },
  60_000,
);
