import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { platforms, renderedFor } from "./rendered.ts";

const golden = (path: string): string => fileURLToPath(new URL(`golden/${path}`, import.meta.url));

const files = platforms.flatMap((platform) =>
  renderedFor(platform).map(({ path, text }) => [`${platform}/${path}`, text] as const),
);

it.each(files)("%s is what was last read and agreed to", async (path, text) => {
  await expect(text).toMatchFileSnapshot(golden(path));
});
