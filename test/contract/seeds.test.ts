import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { addWorker, claimOne } from "../store.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";

describe("a seed that no double can hold", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(postgresServers()[0]!.url);
  });
  afterAll(() => gateway.close());

  it("reaches the worker and comes back to the caller with every digit", async () => {
    const seed = "18446744073709551615";
    const response = await fetch(`${gateway.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: `{"workflow":{"1":{"class_type":"KSampler","inputs":{"seed":${seed}}}}}`,
    });
    const { id } = (await response.json()) as { id: string };
    const kept = await fetch(`${gateway.url}/api/v2/jobs/${id}/workflow`);
    expect(await kept.text()).toContain(seed);
    const claim = await claimOne(gateway.fixture, await addWorker(gateway.fixture));
    expect(JSON.stringify(claim.workflow)).toContain(seed);
  });
});
