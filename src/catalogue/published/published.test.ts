import { describe, expect, it } from "vitest";

import { overlayCatalogue } from "../overlay.ts";
import { seedCatalogue } from "../seed.ts";
import { azureOffers, parseAzurePage, type AzurePricePage } from "./azure.ts";
import { runpodOffers } from "./runpod.ts";

const catalogue = seedCatalogue();
const day = "2026-11-24";

const item: AzurePricePage["Items"][0] = {
  currencyCode: "USD",
  retailPrice: 0.000072,
  armRegionName: "westus3",
  productName: "Azure Container Apps",
  meterName: "Standard NC T4 v3 GPU Usage",
  skuName: "Standard",
  unitOfMeasure: "1 Second",
  type: "Consumption",
};

describe("RunPod's catalogue", () => {
  const row = { id: "NVIDIA GeForce RTX 4090", pool: "ADA_24", price: { serverless: 1.1 } };

  it("becomes offers, the dearest of several models of a card", () => {
    const reply = {
      gpus: [
        row,
        { id: "NVIDIA A100 80GB PCIe", pool: "AMPERE_80", price: { serverless: 2.7 } },
        { id: "NVIDIA A100-SXM4-80GB", pool: "AMPERE_80", price: { serverless: 2.9 } },
        { id: "Tesla V100", pool: null, price: { serverless: 1 } },
        { id: "NVIDIA L40", pool: "ADA_48_PRO", price: null },
      ],
    };
    const offers = runpodOffers(catalogue, reply, day);
    if (!offers.ok) throw new Error(offers.error);
    expect(offers.value.map(({ gpu, gpuMicroUsdPerHour }) => [gpu, gpuMicroUsdPerHour])).toEqual([
      ["rtx-4090", 1_100_000],
      ["a100-80", 2_900_000],
    ]);
    const laid = overlayCatalogue(catalogue, { offers: offers.value });
    if (!laid.ok) throw new Error(laid.error);
    expect(laid.value.offers).toHaveLength(catalogue.offers.length);
  });

  it.each([[{}], [[]], [{ gpus: [{ id: 1 }] }], [{ data: [{ ...row, price: null }] }], [null]])(
    "refuses %j in words",
    (reply) => {
      expect(runpodOffers(catalogue, reply, day)).toMatchObject({ ok: false });
    },
  );
});

describe("Azure's retail prices", () => {
  it("become offers by region from GPU meters in dollars", () => {
    const page = {
      Items: [
        item,
        { ...item, armRegionName: "swedencentral", retailPrice: 0.3, unitOfMeasure: "1 Hour" },
        { ...item, currencyCode: "EUR" },
        { ...item, meterName: "Standard vCPU Active Usage" },
        { ...item, type: "Reservation" },
        { ...item, unitOfMeasure: "1 GiB Second" },
      ],
    };
    const offers = azureOffers(catalogue, [page], day);
    if (!offers.ok) throw new Error(offers.error);
    expect(offers.value).toMatchObject([
      { gpu: "t4", region: "westus3", gpuMicroUsdPerHour: 259_200, minVcpus: 4, asOf: day },
      { gpu: "t4", region: "swedencentral", gpuMicroUsdPerHour: 300_000 },
    ]);
    expect(overlayCatalogue(catalogue, { offers: offers.value }).ok).toBe(true);
  });

  it("are refused in words where there is no GPU or no page", () => {
    const cpu = { Items: [{ ...item, meterName: "vCPU" }] };
    expect(azureOffers(catalogue, [cpu], day)).toMatchObject({ ok: false });
    expect(parseAzurePage({ Items: [{}] })).toMatchObject({ ok: false });
    expect(parseAzurePage({ Items: [item], NextPageLink: null })).toMatchObject({ ok: true });
  });
});
