import { describe, expect, it } from "vitest";
import { resample } from "./resample.ts";
import { computeBlurTaps, computeScaleTaps, scaleMethods, type ScaleMethod } from "./taps.ts";

const pause = (): Promise<void> => Promise.resolve();

/** Scales one row of one-channel pixels. */
async function scaleRow(row: number[], to: number, method: ScaleMethod): Promise<number[]> {
  const across = computeScaleTaps(method, row.length, to);
  const down = computeScaleTaps("nearest-exact", 1, 1);
  const weighing = { across, down };
  return [...(await resample(Uint8Array.from(row), row.length, 1, weighing, pause))];
}

describe("scaling", () => {
  it("takes the nearest pixel by its centre", async () => {
    expect(await scaleRow([10, 20, 30, 40], 2, "nearest-exact")).toEqual([20, 40]);
    expect(await scaleRow([10, 20], 4, "nearest-exact")).toEqual([10, 10, 20, 20]);
  });

  it("interpolates linearly between centres and repeats the border", async () => {
    expect(await scaleRow([0, 100], 4, "bilinear")).toEqual([0, 25, 75, 100]);
    expect(await scaleRow([0, 100, 200, 40], 2, "bilinear")).toEqual([50, 120]);
  });

  it("averages areas when it shrinks", async () => {
    expect(await scaleRow([0, 100, 200, 40], 2, "area")).toEqual([50, 120]);
    // The window of each result covers every pixel that it touches.
    expect(await scaleRow([0, 90, 30], 2, "area")).toEqual([45, 60]);
  });

  it("gives the levels that ComfyUI's libraries give, rounded", async () => {
    const steep = [0, 0, 255, 255];
    const mixed = [10, 200, 30, 90, 250, 0, 77];
    expect(await scaleRow(steep, 8, "bicubic")).toEqual([0, 0, 0, 58, 197, 255, 255, 255]);
    expect(await scaleRow(mixed, 3, "bicubic")).toEqual([159, 90, 0]);
    expect(await scaleRow(mixed, 3, "bilinear")).toEqual([137, 90, 26]);
    expect(await scaleRow(mixed, 3, "area")).toEqual([80, 123, 109]);
    expect(await scaleRow(steep, 8, "lanczos")).toEqual([10, 0, 0, 54, 201, 255, 255, 245]);
    expect(await scaleRow(mixed, 3, "lanczos")).toEqual([84, 126, 84]);
  });

  it("leaves a plain colour as it is, by any method", async () => {
    for (const method of scaleMethods) {
      expect(new Set(await scaleRow([77, 77, 77], 7, method))).toEqual(new Set([77]));
      expect(new Set(await scaleRow([77, 77, 77, 77, 77], 2, method))).toEqual(new Set([77]));
    }
  });

  it("keeps channels apart and works along both axes", async () => {
    const frame = Uint8Array.from([0, 200, 100, 0]);
    const across = computeScaleTaps("bilinear", 2, 1);
    const down = computeScaleTaps("nearest-exact", 1, 2);
    expect([...(await resample(frame, 2, 2, { across, down }, pause))]).toEqual([50, 100, 50, 100]);
  });
});

describe("blurring", () => {
  it("spreads a bright pixel evenly and mirrors at the border", async () => {
    const across = computeBlurTaps(1, 1, 5);
    const down = computeBlurTaps(1, 1, 1);
    const blur = async (row: number[]): Promise<number[]> => [
      ...(await resample(Uint8Array.from(row), 5, 1, { across, down }, pause)),
    ];
    // exp(-1/2) beside 1 on both sides, normalized.
    expect(await blur([0, 0, 255, 0, 0])).toEqual([0, 70, 115, 70, 0]);
    expect((await blur([0, 255, 0, 0, 0]))[0]).toBe(140);
  });
});
