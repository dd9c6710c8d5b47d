import {
  CreateClusterCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { expect, it, onTestFinished } from "vitest";

import { EcsPlatform } from "../../src/platforms/ecs/platform.ts";
import { launchSpec } from "../../src/platforms/platform.suite.ts";
import { askWithBoto, hasMoto, startMoto } from "./server.ts";

const region = "us-east-1";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

const firstSubnet = 'print(client.describe_subnets()["Subnets"][0]["SubnetId"])';

it.runIf(hasMoto)(
  "launches, lists and ends tasks on an ECS that others wrote",
  async () => {
    const moto = await startMoto();
    onTestFinished(() => moto.close());
    const endpoint = moto.url;
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
    const subnet = await askWithBoto(endpoint, "ec2", firstSubnet);
    const platform = await EcsPlatform.open({
      name: "aws",
      owner: "hearth-1",
      cluster: "gpus",
      taskDefinition: "worker",
      container: "agent",
      capacityProvider: "FARGATE",
      subnets: [subnet],
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
