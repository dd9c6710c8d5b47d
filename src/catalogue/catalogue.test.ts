import { describe, expect, it } from "vitest";

import { factValue, gpuOfDevice, gpuVramBytes, parseCatalogue } from "./catalogue.ts";
import { overlayCatalogue } from "./overlay.ts";
import { seedCatalogue } from "./seed.ts";
import { ageDays, staleOffers } from "./staleness.ts";

const seed = seedCatalogue();

describe("the shipped catalogue", () => {
  it("gives every row a source and a day", () => {
    const rows = [...seed.gpus, ...seed.platforms, ...seed.facts, ...seed.offers];
    expect(rows.length).toBeGreaterThan(150);
    for (const row of rows) {
      expect(row.source).not.toBe("");
      expect(row.asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/u);
    }
  });

  it("prices every worker platform, and no front door", () => {
    const priced = new Set(seed.offers.map(({ platform }) => platform));
    for (const { id, role } of seed.platforms) {
      expect([id, priced.has(id)]).toEqual([id, role === "worker"]);
    }
  });

  it("knows the limits and the billing of every worker platform", () => {
    for (const { id } of seed.platforms.filter(({ role }) => role === "worker")) {
      for (const fact of ["jobMs", "imageBytes", "idleTailMs", "startTypicalMs"]) {
        expect(seed.factByKey.has(`${id}/${fact}`), `${id}/${fact}`).toBe(true);
      }
    }
  });
});

describe("a catalogue", () => {
  it("refuses a price that differs from the one its source wrote", () => {
    const [offer] = seed.offers;
    const rows = { ...rowsOf(), offers: [{ ...offer, gpuMicroUsdPerHour: 1 }] };
    expect(parseCatalogue(rows)).toMatchObject({
      ok: false,
      error: "offers: runpod/l4/any says $0.00019/s, which is 684000 micro-USD/h",
    });
  });

  it.each([
    [{ offers: [{ ...seed.offers[0], gpu: "voodoo-2" }] }, "not in the catalogue"],
    [{ offers: [{ ...seed.offers[0], platform: "moon" }] }, "no platform moon"],
    [{ offers: [seed.offers[0], seed.offers[0]] }, "is there twice"],
    [{ offers: [{ ...seed.offers[0], asOf: "soon" }] }, "offers.0.asOf"],
    [{ offers: [{ ...seed.offers[0], source: undefined }] }, "offers.0.source"],
  ])("names the row that is wrong", (rows, fault) => {
    const parsed = parseCatalogue({ ...rowsOf(), ...rows });
    expect(parsed.ok ? "accepted" : parsed.error).toContain(fault);
  });

  it("tells cards apart by their device names", () => {
    expect(gpuOfDevice(seed, "cuda:0 NVIDIA L40S : native")?.id).toBe("l40s");
    expect(gpuOfDevice(seed, "cuda:0 NVIDIA L4 : cudaMallocAsync")?.id).toBe("l4");
    expect(gpuOfDevice(seed, "cuda:0 NVIDIA GeForce RTX 4090")?.id).toBe("rtx-4090");
    expect(gpuVramBytes(seed.gpuById.get("l4")!)).toBe(25_769_803_776);
    expect(gpuOfDevice(seed, "cpu")).toBeUndefined();
  });

  it("takes the operator's rows in place of its own", () => {
    const own = {
      ...seed.offers[0],
      published: "$0.50/h",
      gpuMicroUsdPerHour: 500_000,
      source: "our contract",
      grade: "operator",
    };
    const laid = overlayCatalogue(seed, { offers: [own] });
    if (!laid.ok) throw new Error(laid.error);
    expect(laid.value.offers).toHaveLength(seed.offers.length);
    expect(laid.value.offers.at(-1)).toEqual(own);
    expect(factValue(laid.value, "modal", "idleTailMs", 0)).toBe(60_000);
  });

  it("refuses an operator's row without a source", () => {
    const { source: _, ...row } = seed.offers[0]!;
    expect(overlayCatalogue(seed, { offers: [row] })).toMatchObject({ ok: false });
    expect(overlayCatalogue(seed, { offer: [] })).toMatchObject({ ok: false });
  });

  it("says which prices are stale, oldest first", () => {
    const now = Date.parse("2026-11-25");
    const stale = staleOffers(seed, now);
    expect(stale[0]).toMatchObject({ asOf: "2026-06-01", ageDays: 177 });
    expect(stale.every((row) => row.ageDays > 120)).toBe(true);
    expect(staleOffers(seed, now, 400)).toEqual([]);
    expect(ageDays("2027-01-01", now)).toBe(0);
  });
});

function rowsOf(): object {
  const { gpus, platforms, facts, offers } = seed;
  return { gpus, platforms, facts, offers };
}
