import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
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

const readTerraform = `
import hcl2, json
with open("main.tf") as file:
    document = hcl2.load(file)
print(json.dumps(sorted(key.strip('"') for block in document["resource"] for key in block)))
`;

it.runIf(isHere)("Terraform for ECS parses, with everything that a GPU task needs", async () => {
  const resources = JSON.parse(await check("ecs", readTerraform)) as string[];
  expect(resources).toContain("aws_ecs_capacity_provider");
  expect(resources).toContain("aws_ecs_task_definition");
});

it.runIf(isHere)("Terraform for the function parses, with its API", async () => {
  const resources = JSON.parse(await check("lambda", readTerraform)) as string[];
  expect(resources).toContain("aws_lambda_function");
  expect(resources).toContain("aws_apigatewayv2_integration");
});

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
