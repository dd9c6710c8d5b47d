import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openTestStore, type TestStore } from "../../test/store.ts";
import type { RolloutAction } from "./releases.ts";

const [first, second] = ["0123456789abcdef", "fedcba9876543210"];

/** The contract of what the store keeps of releases. */
export function describeReleases(server: { readonly name: string; readonly url: string }): void {
  describe(`releases in the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
      for (const id of [first, second]) {
        await fixture.store.releases.saveRelease({ id, platform: "ecs", content: { image: id } });
      }
    });
    afterAll(() => fixture.close());

    const start = (name: string, action: RolloutAction, releaseId: string | null) =>
      fixture.store.releases.startRollout({
        deploymentId: fixture.deploymentId,
        platform: "ecs",
        name,
        action,
        releaseId,
        actor: "somebody@desk",
      });

    it("keeps a release as it was, whoever saves it again", async () => {
      const { releases } = fixture.store;
      await releases.saveRelease({ id: first, platform: "ecs", content: { image: "other" } });
      expect(await releases.findRelease(first)).toMatchObject({ content: { image: first } });
      expect(await releases.findRelease("0000000000000000")).toBeUndefined();
    });

    it("lets nobody change or remove a release", async () => {
      const change = fixture.query("update release set content = '{}'");
      await expect(change).rejects.toThrow(/never changes/u);
      await expect(fixture.query("delete from release")).rejects.toThrow(/never changes/u);
    });

    it("tells who applied what, the newest first, and what was cut off", async () => {
      const { releases } = fixture.store;
      await releases.finishRollout(await start("a", "apply", first));
      await start("a", "apply", second);
      await start("b", "apply", second);
      expect(await releases.rollouts("ecs", "a", 10)).toMatchObject([
        { action: "apply", releaseId: second, finishedAt: null },
        { action: "apply", releaseId: first, actor: "somebody@desk", finishedAt: expect.any(Date) },
      ]);
      expect(await releases.rollouts("ecs", "a", 1)).toHaveLength(1);
      expect(await releases.rollouts("modal", "a", 10)).toEqual([]);
    });

    it("wants a release for all but a removal", async () => {
      await expect(start("c", "apply", null)).rejects.toThrow(/check/u);
      await expect(start("c", "destroy", first)).rejects.toThrow(/check/u);
      await expect(start("c", "destroy", null)).resolves.toBeGreaterThan(0);
    });
  });
}
