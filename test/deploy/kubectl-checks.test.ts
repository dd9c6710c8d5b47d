import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";

import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

import { writeRendered } from "./rendered.ts";

/** It builds a kustomization without a cluster; where it is not installed, the schemas alone judge. */
const isHere = spawnSync("kubectl", ["version", "--client"]).status === 0;

it.runIf(isHere).each([
  ["base", ["Namespace", "NetworkPolicy", "Role", "RoleBinding", "ServiceAccount"]],
  ["keda", ["ScaledJob", "TriggerAuthentication"]],
  ["hpa", ["Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"]],
])("kubectl builds the kustomization %s", async (overlay, kinds) => {
  const folder = await writeRendered("kubernetes");
  const { stdout } = await promisify(execFile)("kubectl", ["kustomize", overlay], { cwd: folder });
  const built = parseAllDocuments(stdout).map((one) => one.toJS() as { kind: string });
  expect(built.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds));
});
