import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";
import { call } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;
const ids: string[] = [];

interface Page {
  readonly jobs: readonly { readonly id: string }[];
  readonly next_cursor?: string;
}

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url);
  await gateway.fixture.store.access.createDeployment(gateway.fixture.tenantId, "other");
  for (let at = 0; at < 7; at++) {
    const prefix = at === 6 ? "/d/other" : "";
    const metadata = { parity: at % 2 === 0 ? "even" : "odd", number: String(at) };
    const { body } = await call(`${gateway.url}${prefix}/api/v2/jobs`, "POST", {
      workflow: flatPicture(at),
      metadata,
    });
    ids.unshift(String(body.id));
  }
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

async function list(query: string, prefix = ""): Promise<Page> {
  const { status, body } = await call(`${gateway.url}${prefix}/api/v2/jobs?${query}`);
  expect(status).toBe(200);
  return body as unknown as Page;
}

const idsOf = (page: Page): readonly string[] => page.jobs.map(({ id }) => id);

describe("the list of jobs", () => {
  it("has the newest first, as stored records", async () => {
    const page = await list("");
    expect(idsOf(page)).toEqual(ids);
    expect(page).not.toHaveProperty("next_cursor");
    expect(page.jobs[0]).toEqual({
      id: ids[0],
      status: "queued",
      create_time: expect.stringMatching(/Z$/u),
      update_time: expect.stringMatching(/Z$/u),
      deployment_id: "other",
      metadata: { parity: "even", number: "6" },
    });
  });

  it("comes in pages that hold each job once", async () => {
    const seen: string[] = [];
    let cursor = "";
    for (let pages = 1; ; pages++) {
      const page = await list(`limit=3${cursor}`);
      seen.push(...idsOf(page));
      if (page.next_cursor === undefined) {
        expect(pages).toBe(3);
        break;
      }
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(seen).toEqual(ids);
  });

  it("can be filtered by labels", async () => {
    expect(idsOf(await list("metadata[parity]=odd"))).toEqual([ids[1], ids[3], ids[5]]);
    const both = `${encodeURIComponent("metadata[parity]")}=even&metadata[number]=2`;
    expect(idsOf(await list(both))).toEqual([ids[4]]);
    expect(idsOf(await list("metadata[parity]=prime"))).toEqual([]);
    expect(idsOf(await list("metadata[__proto__]=x"))).toEqual([]);
  });

  it("holds the jobs of one deployment under its address", async () => {
    expect(idsOf(await list("", "/d/other"))).toEqual([ids[0]]);
    expect(idsOf(await list("", "/d/default"))).toEqual(ids.slice(1));
  });

  it.each(["%00", "%20", "nowhere", "..%2f..", "%F0%9F%90%88", "x".repeat(500)])(
    "has no deployment %s",
    async (slug) => {
      const answer = await call(`${gateway.url}/d/${slug}/api/v2/jobs`);
      expect(answer).toMatchObject({ status: 404, code: "deployment_not_found" });
    },
  );

  it.each([
    ["limit=0", 422, "invalid_request"],
    ["limit=201", 422, "invalid_request"],
    ["cursor=nonsense", 400, "invalid_cursor"],
    ["metadata[a b]=1", 400, "invalid_metadata_filter"],
    ["metadata[a]=1&metadata[a]=2", 400, "invalid_metadata_filter"],
    ["metadata[a]=1&metadata[b]=1&metadata[c]=1&metadata[d]=1", 400, "invalid_metadata_filter"],
    ["metadata[a]=%00", 400, "invalid_metadata_filter"],
    ["page=2", 422, "invalid_request"],
  ])("refuses %s", async (query, status, code) => {
    expect(await call(`${gateway.url}/api/v2/jobs?${query}`)).toMatchObject({ status, code });
  });
});
