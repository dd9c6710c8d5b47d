import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { runCaptured } from "../captured.suite.ts";

type Reply = readonly [status: number, body: unknown];

/** A server that publishes prices; remembers what it was asked. */
async function publisher(reply: (request: IncomingMessage, base: string) => Reply) {
  const asked: string[] = [];
  const keys: (string | undefined)[] = [];
  const server = createServer((request, answer) => {
    asked.push(decodeURIComponent(request.url ?? ""));
    keys.push(request.headers.authorization);
    const [status, body] = reply(request, url);
    answer.writeHead(status, { "Content-Type": "application/json" });
    answer.end(JSON.stringify(body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url, asked, keys };
}

async function open(environment: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), "hearth-refresh-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return (...args: string[]) => runCaptured(args, folder, environment);
}

const meter = {
  currencyCode: "USD",
  retailPrice: 0.0001,
  armRegionName: "westus3",
  productName: "Azure Container Apps",
  meterName: "NC T4 v3 GPU",
  skuName: "Standard",
  unitOfMeasure: "1 Second",
  type: "Consumption",
};

describe("hearth catalogue refresh", () => {
  it("takes today's prices over the shipped ones, page by page, and keeps them apart", async () => {
    const runpod = await publisher(() => [
      200,
      { gpus: [{ id: "NVIDIA L4", pool: "AMPERE_24", price: { serverless: 0.5 } }] },
    ]);
    const azure = await publisher((request, base) =>
      request.url?.includes("skip") === true
        ? [200, { Items: [{ ...meter, armRegionName: "westeurope" }], NextPageLink: null }]
        : [200, { Items: [meter], NextPageLink: `${base}/?$skip=100` }],
    );
    const hearth = await open({
      RUNPOD_API_KEY: "rp-secret",
      HEARTH_RUNPOD_API: runpod.url,
      HEARTH_AZURE_PRICES: azure.url,
    });
    const refreshed = await hearth("catalogue", "refresh");
    expect(refreshed).toMatchObject({ code: 0 });
    expect(refreshed.stdout).toMatch(/runpod +1\n/u);
    expect(refreshed.stdout).toMatch(/container-apps +2$/mu);
    expect(runpod.asked).toEqual(["/catalog/gpus"]);
    expect(runpod.keys).toEqual(["Bearer rp-secret"]);
    expect(azure.asked).toHaveLength(2);
    const listed = await hearth("catalogue", "ls", "--gpu", "l4", "--platform", "runpod");
    expect(listed.stdout).toMatch(/runpod +l4 .*\$0\.500000\/h +\$0\.50 +vendor +0 d/u);
    expect(await hearth("catalogue", "refresh", "--platform", "runpod")).toMatchObject({ code: 0 });
    const apps = await hearth("catalogue", "ls", "--platform", "container-apps");
    expect(apps.stdout).toContain("westeurope");
  });

  it("says why a platform gave none, never the key, and fails only where none did", async () => {
    const broken = await publisher(() => [401, { title: "no" }]);
    const azure = await publisher(() => [200, { Items: [meter] }]);
    const environment = { RUNPOD_API_KEY: "rp-secret", HEARTH_RUNPOD_API: broken.url };
    const hearth = await open({ ...environment, HEARTH_AZURE_PRICES: azure.url });
    const partly = await hearth("catalogue", "refresh");
    expect(partly).toMatchObject({ code: 0 });
    expect(partly.stdout).toMatch(/runpod +0 +HTTP 401/u);
    const failed = await hearth("catalogue", "refresh", "--platform", "runpod", "--json");
    expect(failed.code).toBe(1);
    expect(failed.stdout + failed.stderr).not.toContain("rp-secret");
    expect(JSON.parse(failed.stdout)).toMatchObject({
      error: { details: { outcomes: [{ platform: "runpod", reason: "HTTP 401" }] } },
    });
    const without = await open({ HEARTH_AZURE_PRICES: azure.url });
    const skipped = await without("catalogue", "refresh");
    expect(skipped.stdout).toMatch(/runpod +0 +skipped: RUNPOD_API_KEY is not set/u);
  });
});
