import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { newJob, openTestStore, type TestStore } from "../../test/store.ts";
import type { NewAsset } from "./assets.ts";

/** The contract of the store's assets, keys and retention, run against a server. */
export function describeAssets(server: { readonly name: string; readonly url: string }): void {
  describe(`assets in the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    const upload = (fill: string, change: Partial<NewAsset> = {}): NewAsset => ({
      id: randomUUID(),
      tenantId: fixture.tenantId,
      hash: `blake3:${fill.repeat(64)}`,
      contentType: "image/png",
      filePath: `${fill}.png`,
      tags: [],
      retentionMs: null,
      blob: { key: `uploads/${randomUUID()}`, sizeBytes: 5 },
      ...change,
    });

    it("mints one record for the same bytes and path, and another for another path", async () => {
      const first = await fixture.store.assets.mint(upload("a"), null);
      const again = await fixture.store.assets.mint(upload("a"), null);
      const other = await fixture.store.assets.mint(upload("a", { filePath: "b.png" }), null);
      if (typeof first !== "object" || typeof again !== "object" || typeof other !== "object") {
        throw new Error("an upload was refused");
      }
      expect(first).toMatchObject({ isNewBlob: true, isExistingRecord: false });
      expect(again).toMatchObject({ isNewBlob: false, isExistingRecord: true });
      expect(again.asset).toEqual(first.asset);
      expect(other).toMatchObject({ isNewBlob: false, isExistingRecord: false });
      expect(other.asset.blobKey).toBe(first.asset.blobKey);
    });

    it("mints from a hash only what the tenant has", async () => {
      const other = await fixture.store.access.ensureTenant("foreign");
      const { blob: _, ...fromHash } = upload("c");
      expect(await fixture.store.assets.mint(fromHash, null)).toBeUndefined();
      await fixture.store.assets.mint(upload("c"), null);
      expect(await fixture.store.assets.hasBlob(fixture.tenantId, fromHash.hash)).toBe(true);
      expect(await fixture.store.assets.hasBlob(other.id, fromHash.hash)).toBe(false);
      const foreign = { ...fromHash, tenantId: other.id };
      expect(await fixture.store.assets.mint(foreign, null)).toBeUndefined();
    });

    it("refuses an idempotency key the second time, but not after a miss", async () => {
      const { blob: _, ...miss } = upload("d");
      expect(await fixture.store.assets.mint(miss, "key")).toBeUndefined();
      expect(await fixture.store.assets.mint(upload("d"), "key")).toMatchObject({});
      expect(await fixture.store.assets.mint(upload("d"), "key")).toBe("reused");
    });

    it("extends a record's retention and never shortens it", async () => {
      const long = await fixture.store.assets.mint(upload("e", { retentionMs: 600_000 }), null);
      const short = await fixture.store.assets.mint(upload("e", { retentionMs: 60_000 }), null);
      if (typeof long !== "object" || typeof short !== "object") throw new Error("refused");
      expect(short.asset.expiresAt).toEqual(long.asset.expiresAt);
    });

    it("keeps an asset that an unfinished job needs, and deletes it afterwards", async () => {
      const minted = await fixture.store.assets.mint(upload("f"), null);
      if (typeof minted !== "object") throw new Error("refused");
      const { id, hash, sizeBytes, blobKey } = minted.asset;
      const input = { path: ["1", "inputs", "image"], assetId: id, filename: "f.png", hash };
      const job = newJob(fixture, { inputs: [{ ...input, sizeBytes, blobKey }] });
      await fixture.store.jobs.submit(job);
      expect(await fixture.store.assets.delete(fixture.tenantId, id)).toBe("in_use");
      await fixture.store.jobs.requestCancel(fixture.tenantId, job.id);
      expect(await fixture.store.assets.delete(fixture.tenantId, id)).toBe("deleted");
      expect(await fixture.store.assets.delete(fixture.tenantId, id)).toBe("not_found");
    });

    it("finds the newest upload under a path", async () => {
      await fixture.store.assets.mint(upload("1", { filePath: "same.png" }), null);
      const newer = await fixture.store.assets.mint(upload("2", { filePath: "same.png" }), null);
      const found = await fixture.store.assets.findByPaths(fixture.tenantId, ["same.png", "no"]);
      expect(found.map((asset) => asset.id)).toEqual([
        typeof newer === "object" ? newer.asset.id : "",
      ]);
    });

    it("forgets jobs and uploads after their retention and names what lies below the job", async () => {
      const job = newJob(fixture, { retentionMs: 0 });
      await fixture.store.jobs.submit(job);
      await fixture.store.jobs.requestCancel(fixture.tenantId, job.id);
      await fixture.store.assets.mint(upload("9", { retentionMs: -1 }), null);
      expect(await fixture.store.jobs.get(fixture.tenantId, job.id)).toBeUndefined();
      const report = await fixture.store.control.sweep(100);
      expect(report).toMatchObject({ deletedJobs: 1, deletedAssets: 1 });
    });

    it("knows keys by id, with scopes, and revokes them", async () => {
      const key = { id: "abc", tenantId: fixture.tenantId, name: "ci", validMs: null };
      expect(await fixture.store.access.hasActiveApiKey()).toBe(false);
      const secretHash = new Uint8Array(32);
      await fixture.store.access.createApiKey({ ...key, scopes: ["run", "read"], secretHash });
      expect(await fixture.store.access.findApiKey("abc")).toMatchObject({
        tenant: "default",
        scopes: ["run", "read"],
        revokedAt: null,
      });
      expect(await fixture.store.access.revokeApiKey("abc")).toBe(true);
      expect(await fixture.store.access.hasActiveApiKey()).toBe(false);
    });

    it("enrols any number of workers with a standing token, until it is revoked", async () => {
      const { workers } = fixture.store;
      const tokenHash = new Uint8Array(32).fill(17);
      const enrollment = { deploymentId: fixture.deploymentId, instanceId: null, validMs: 60_000 };
      await workers.createEnrollment({ ...enrollment, tokenHash, isStanding: true });
      const enroll = (fill: number): Promise<unknown> =>
        workers.enroll(tokenHash, {
          id: randomUUID(),
          name: "w",
          tokenHash: new Uint8Array(32).fill(fill),
        });
      expect(await enroll(18)).toMatchObject({ deploymentId: fixture.deploymentId });
      expect(await enroll(19)).toMatchObject({ deploymentId: fixture.deploymentId });
      const id = "111111111111";
      expect(await workers.listStandingEnrollments()).toMatchObject([
        { id, deployment: "default" },
      ]);
      expect(await workers.revokeStandingEnrollment(id)).toBe(true);
      expect(await workers.revokeStandingEnrollment(id)).toBe(false);
      expect(await enroll(20)).toBeUndefined();
    });

    it("enrols a worker once with one token", async () => {
      const tokenHash = new Uint8Array(32).fill(7);
      const enrollment = { deploymentId: fixture.deploymentId, instanceId: null, validMs: 60_000 };
      await fixture.store.workers.createEnrollment({ ...enrollment, tokenHash });
      const worker = { id: randomUUID(), name: "w", tokenHash: new Uint8Array(32).fill(8) };
      const enrolled = await fixture.store.workers.enroll(tokenHash, worker);
      expect(enrolled).toEqual({ deploymentId: fixture.deploymentId, launch: null });
      const second = { ...worker, id: randomUUID(), tokenHash: new Uint8Array(32).fill(9) };
      expect(await fixture.store.workers.enroll(tokenHash, second)).toBeUndefined();
      expect(await fixture.store.workers.findByToken(worker.tokenHash)).toMatchObject({
        id: worker.id,
        state: "starting",
      });
    });
  });
}
