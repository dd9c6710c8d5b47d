import { describe, expect, it } from "vitest";

import { defaultLoadModel, Residency } from "./residency.ts";

const gibibyte = 1024 ** 3;
const need = (model: string, vramBytes = 12 * gibibyte) => ({ model, vramBytes });

function workerWith(cardBytes: number, ...models: readonly string[]): Residency {
  const residency = new Residency(defaultLoadModel, cardBytes);
  for (const [at, model] of models.entries()) {
    residency.begin(model, need(model), at);
    residency.end(model, at);
  }
  return residency;
}

describe("what a simulated worker holds", () => {
  it("is what the ledger admits to its card, and more in RAM", () => {
    const residency = workerWith(24 * gibibyte, "a", "b", "c");
    expect(residency.inVram).toEqual(["b", "c"]);
    expect(residency.tierOf("a")).toBe("ram");
    expect(residency.expectedSeconds(need("a"))).toBeCloseTo(defaultLoadModel.ramSeconds);
  });
  it("is more on a larger card", () => {
    expect(workerWith(48 * gibibyte, "a", "b", "c", "d").inVram).toEqual(["a", "b", "c", "d"]);
  });
  it("loses from RAM what was unused longest", () => {
    const residency = workerWith(24 * gibibyte, "a", "b", "c", "d", "e");
    expect(residency.tierOf("a")).toBe("disk");
    expect(residency.tierOf("b")).toBe("ram");
  });
  it("takes longer to load a larger model", () => {
    const residency = new Residency(defaultLoadModel, 48 * gibibyte);
    const [small, large] = [need("s", 12 * gibibyte), need("l", 36 * gibibyte)];
    expect(residency.expectedSeconds(small)).toBeCloseTo(defaultLoadModel.diskSeconds);
    expect(residency.expectedSeconds(large)).toBeCloseTo(3 * defaultLoadModel.diskSeconds);
  });
  it("never goes beyond the card", () => {
    const residency = new Residency(defaultLoadModel, 8 * gibibyte);
    expect(() => residency.begin("job", need("a"), 0)).toThrow(/job job: .* needed/u);
  });
});
