import type { ImageLayer } from "./image-layers.ts";

/** A platform's limit on an image. */
export interface ImageLimit {
  readonly platform: string;
  readonly imageBytes: number;
}

export interface ImageSize {
  readonly totalBytes: number;
  /** Layers whose size nobody knows, models without a length say; the total leaves them out. */
  readonly unknown: readonly string[];
  readonly verdicts: readonly (ImageLimit & { readonly fits: boolean })[];
}

/** What an image weighs unpacked, by its plan, and where it may run. */
export function estimateImageSize(
  layers: readonly ImageLayer[],
  limits: readonly ImageLimit[],
): ImageSize {
  const final = layers.filter(({ stage }) => stage === "final");
  const totalBytes = final.reduce((sum, { estimatedBytes }) => sum + (estimatedBytes ?? 0), 0);
  const unknown = final
    .filter(({ estimatedBytes, instructions }) => {
      const adds = instructions.some((line) => /^(?:ADD|COPY|RUN) /u.test(line));
      return estimatedBytes === null && adds;
    })
    .map(({ title }) => title);
  const verdicts = limits.map((limit) => ({ ...limit, fits: totalBytes <= limit.imageBytes }));
  return { totalBytes, unknown, verdicts };
}
