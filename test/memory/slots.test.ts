import { afterAll, beforeAll, expect, it, vi } from "vitest";

import { postgresServers } from "../database.ts";
import { gib, samplePicture, startCards, type CardStack } from "./card-stack.ts";

const mib = 1024 ** 2;
const [server] = postgresServers();

let cards: CardStack;
beforeAll(async () => {
  cards = await startCards(server?.url ?? "", {
    cards: [{ name: "card", bytes: 48 * gib, slots: 2 }],
    models: { "small-a": 16 * gib, "small-b": 14 * gib, "large-a": 30 * gib, "large-b": 28 * gib },
  });
});
afterAll(() => cards.close());

/** Runs both at once; returns what the card saw meanwhile. */
async function together(left: string, right: string, seed: number) {
  const before = cards.journal("card").length;
  const wish = { workingMib: 2_000, steps: 20, stepMs: 50 };
  const jobs = await Promise.all([
    cards.api.submit(samplePicture({ ...wish, model: left, seed })),
    cards.api.submit(samplePicture({ ...wish, model: right, seed: seed + 1 })),
  ]);
  const ends = await Promise.all(jobs.map(({ id }) => cards.api.end(id)));
  return { ends, entries: cards.journal("card").slice(before) };
}

/** The models that were being run at the same time, by the card's own journal. */
function overlaps(entries: ReturnType<CardStack["journal"]>): Set<string> {
  const running = new Map<string, string>();
  const seen = new Set<string>();
  for (const { holder, running: model } of entries) {
    if (model === null) running.delete(holder);
    else running.set(holder, model);
    if (running.size > 1) seen.add([...running.values()].sort().join(" and "));
  }
  return seen;
}

it("runs two models at once on one card where the book allows it", async () => {
  const { ends, entries } = await together("small-a", "small-b", 1);
  expect(ends.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
  expect([...overlaps(entries)]).toEqual(["small-a and small-b"]);
});

it("never runs two where the card has not room for both, and loses neither", async () => {
  for (const seed of [10, 20]) {
    const { ends, entries } = await together("large-a", "large-b", seed);
    expect(ends.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
    expect([...overlaps(entries)]).toEqual([]);
  }
});

it("has the idle neighbour give up its models where the other needs the room", async () => {
  await together("small-a", "small-b", 30);
  const { ends } = await together("large-a", "small-a", 40);
  expect(ends.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
});

it("learns what runs take, each on a card of its own", async () => {
  const wish = { model: "small-a", workingMib: 3_000, steps: 4, stepMs: 100 };
  for (const seed of [50, 51]) {
    const { id } = await cards.api.submit(samplePicture({ ...wish, seed }));
    expect((await cards.api.end(id)).status).toBe("succeeded");
  }
  const taken = 16 * gib + 3_000 * mib;
  await vi.waitFor(
    async () => {
      const { rows } = await cards.fixture.query<{ peak: number }>(
        "select peak_bytes::float8 as peak from footprint where runs > 0",
      );
      expect(rows.some(({ peak }) => Math.abs(peak - taken) < gib)).toBe(true);
    },
    { timeout: 10_000 },
  );
});

it("tells the gateway what is on the card", async () => {
  const workers = await cards.fixture.store.workers.list(cards.fixture.deploymentId);
  expect(workers.map(({ memory }) => memory?.totalBytes)).toEqual([48 * gib, 48 * gib]);
  expect(workers.map(({ memory }) => memory?.source)).toEqual(["system_stats", "system_stats"]);
});

it("never had more on the card than it holds, nor ran out", () => {
  const entries = cards.journal("card");
  expect(Math.max(...entries.map(({ sumBytes }) => sumBytes))).toBeLessThanOrEqual(48 * gib);
  expect(entries.filter(({ kind }) => kind === "out_of_memory")).toEqual([]);
  expect(entries.some(({ sumBytes }) => sumBytes > 30 * gib + 256 * mib)).toBe(true);
});
