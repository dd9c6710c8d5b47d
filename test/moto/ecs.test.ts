import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import {
  CreateClusterCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { expect, it, onTestFinished, vi } from "vitest";

import { EcsPlatform } from "../../src/platforms/ecs/platform.ts";
import { launchSpec } from "../../src/platforms/platform.suite.ts";

const bin = fileURLToPath(new URL("../../.cache/python/bin/", import.meta.url));
/** `.ci/run` installs moto, an AWS that others wrote; elsewhere it is optional. */
const isHere = existsSync(`${bin}moto_server`) || process.env.CI === "true";
const region = "us-east-1";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startMoto(): Promise<string> {
  const port = await freePort();
  const arguments_ = ["-H", "127.0.0.1", "-p", String(port)];
  const moto = spawn(`${bin}moto_server`, arguments_, { stdio: "ignore" });
  onTestFinished(() => void moto.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(url), { timeout: 30_000, interval: 100 });
  return url;
}

const firstSubnet = `
import boto3, sys
ec2 = boto3.client("ec2", region_name="${region}", endpoint_url=sys.argv[1],
                   aws_access_key_id="test", aws_secret_access_key="test")
print(ec2.describe_subnets()["Subnets"][0]["SubnetId"])
`;

it.runIf(isHere)(
  "launches, lists and ends tasks on an ECS that others wrote",
  async () => {
    const endpoint = await startMoto();
    const client = { region, endpoint, credentials };
    const ecs = new ECSClient(client);
    await ecs.send(new CreateClusterCommand({ clusterName: "gpus" }));
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "worker",
        containerDefinitions: [{ name: "agent", image: "worker:1", memory: 512 }],
        requiresCompatibilities: ["FARGATE"],
        networkMode: "awsvpc",
        cpu: "256",
        memory: "512",
      }),
    );
    const { stdout } = await promisify(execFile)(`${bin}python`, ["-c", firstSubnet, endpoint]);
    const platform = await EcsPlatform.open({
      name: "aws",
      owner: "hearth-1",
      cluster: "gpus",
      taskDefinition: "worker",
      container: "agent",
      capacityProvider: "FARGATE",
      subnets: [stdout.trim()],
      securityGroups: [],
      assignPublicIp: false,
      offer: { gpu: "l4", region, isSpot: false },
      client,
      patience: { clock: { now: () => 0 }, random: () => 0, sleep: () => Promise.resolve() },
    });
    const [first, second] = [launchSpec(), launchSpec()];
    const { externalId } = await platform.launch(first);
    await platform.launch(second);
    const tokens = (await platform.list([])).map(({ clientToken }) => clientToken);
    expect(new Set(tokens)).toEqual(new Set([first.clientToken, second.clientToken]));
    await platform.terminate(externalId);
    const left = await platform.list([]);
    expect(left.map(({ clientToken }) => clientToken)).toEqual([second.clientToken]);
  },
  60_000,
);
