import { afterAll, beforeAll, describe, expect, it } from "vitest";

import {
  addWorker,
  claimOne,
  newJob,
  openTestStore,
  placementOf,
  type TestStore,
} from "../../test/store.ts";
import type { CardMemory } from "../protocol/worker-link.ts";
import type { AttemptRef } from "./attempts.ts";

const gib = 1024 ** 3;
const kind = { fingerprint: "f", modelSet: 0, sizeClass: "5" };

/** The contract of what the store keeps of cards and of what runs take of them. */
export function describeFootprints(server: { readonly name: string; readonly url: string }): void {
  describe(`memory in the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    /** An attempt of a job of this kind, on a worker with such a card. */
    const attempt = async (fingerprint: string | null, vramBytes: number): Promise<AttemptRef> => {
      const workerId = await addWorker(fixture, vramBytes);
      const placement = placementOf("normal", { ...kind, fingerprint });
      await fixture.store.jobs.submit(newJob(fixture, { placement }));
      return { ...(await claimOne(fixture, workerId)), workerId };
    };
    const known = (fingerprint: string): Promise<readonly unknown[]> =>
      fixture.store.footprints.find(fixture.deploymentId, { ...kind, fingerprint });

    it("keeps what was learned by class of card, the smallest first", async () => {
      const { footprints } = fixture.store;
      const lesson = (peakBytes: number) => () => ({ peakBytes, runs: 1, outOfMemoryCount: 0 });
      await footprints.learn(await attempt("a", 24 * gib), lesson(11 * gib));
      await footprints.learn(await attempt("a", 8 * gib), lesson(7 * gib));
      expect(await known("a")).toEqual([
        { vramClass: 0, peakBytes: 7 * gib, runs: 1, outOfMemoryCount: 0 },
        { vramClass: 3, peakBytes: 11 * gib, runs: 1, outOfMemoryCount: 0 },
      ]);
      expect(await known("b")).toEqual([]);
    });

    it("teaches from what was known before, and tells the card", async () => {
      const ref = await attempt("c", 8 * gib);
      const seen: unknown[] = [];
      for (let run = 1; run <= 2; run++) {
        await fixture.store.footprints.learn(ref, (before, cardBytes) => {
          seen.push([before?.peakBytes, cardBytes]);
          return { peakBytes: run * gib, runs: run, outOfMemoryCount: 1 };
        });
      }
      expect(seen).toEqual([
        [undefined, 8 * gib],
        [1 * gib, 8 * gib],
      ]);
    });

    it("loses no lesson of several at once", async () => {
      const refs = await Promise.all(Array.from({ length: 8 }, () => attempt("d", 16 * gib)));
      await Promise.all(
        refs.map((ref, at) =>
          fixture.store.footprints.learn(ref, (before) => ({
            peakBytes: Math.max(before?.peakBytes ?? 0, (at + 1) * gib),
            runs: (before?.runs ?? 0) + 1,
            outOfMemoryCount: 0,
          })),
        ),
      );
      expect(await known("d")).toEqual([
        { vramClass: 2, peakBytes: 8 * gib, runs: 8, outOfMemoryCount: 0 },
      ]);
    });

    it("learns nothing of a job of no kind, on no card, or of an attempt that never was", async () => {
      const never = (): never => {
        throw new Error("was asked");
      };
      const { footprints } = fixture.store;
      await footprints.learn(await attempt(null, 8 * gib), never);
      await footprints.learn(await attempt("e", 0), never);
      const ref = await attempt("e", 8 * gib);
      await footprints.learn({ ...ref, epoch: ref.epoch + 1 }, never);
    });

    it("forgets what no run has confirmed for long", async () => {
      const lesson = () => ({ peakBytes: 1, runs: 1, outOfMemoryCount: 0 });
      await fixture.store.footprints.learn(await attempt("old", 8 * gib), lesson);
      await fixture.query(
        "update footprint set updated_at = clock_timestamp() - interval '2 days' where fingerprint = 'old'",
      );
      expect(await fixture.store.footprints.sweep(86_400_000, 100)).toBe(1);
      expect(await known("old")).toEqual([]);
    });

    it("keeps a worker's card, and knows the largest of a deployment", async () => {
      const { workers } = fixture.store;
      const workerId = await addWorker(fixture, 48 * gib);
      const memory: CardMemory = {
        totalBytes: 48 * gib,
        reserveBytes: gib,
        modelsBytes: 7,
        inferenceBytes: 0,
        cacheBytes: 0,
        foreignBytes: 0,
        slackBytes: 0,
        measuredBytes: 9,
        driftBytes: -2,
        source: "nvidia-smi",
        strategy: "balanced",
      };
      await workers.reportMemory(workerId, memory);
      const listed = await workers.list(fixture.deploymentId);
      expect(listed.find(({ id }) => id === workerId)?.memory).toEqual(memory);
      expect(await workers.largestCardBytes(fixture.deploymentId)).toBe(48 * gib);
    });

    it("enrols slots beside a worker, as many as a card may have, and none beside one that left", async () => {
      const { workers } = fixture.store;
      const enrol = (beside: number, token: number): Promise<boolean> =>
        workers.enrollBeside(hash(beside), {
          id: crypto.randomUUID(),
          name: "slot",
          tokenHash: hash(token),
        });
      const first = { id: crypto.randomUUID(), name: "first", tokenHash: hash(100) };
      await workers.enrollTrusted(fixture.deploymentId, first);
      for (let slot = 1; slot < 16; slot++) expect(await enrol(100, 100 + slot)).toBe(true);
      expect(await enrol(100, 120)).toBe(false);
      await workers.markGone(first.id);
      expect(await enrol(100, 121)).toBe(false);
      expect(await enrol(99, 122)).toBe(false);
    });
  });
}

function hash(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}
