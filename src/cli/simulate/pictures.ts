import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import sharp from "sharp";

import type { CommandContext } from "../command-context.ts";

/** Writes each drawing as SVG and as PNG, replacing older ones. Returns the files' paths. */
export async function savePictures(
  context: CommandContext,
  folder: string,
  pictures: readonly { readonly name: string; readonly svg: string }[],
): Promise<readonly string[]> {
  const target = resolve(context.io.folder, folder);
  await mkdir(target, { recursive: true });
  const files: string[] = [];
  for (const { name, svg } of pictures) {
    const [vector, raster] = [join(target, `${name}.svg`), join(target, `${name}.png`)];
    await writeFile(vector, svg);
    await sharp(Buffer.from(svg), { density: 144 }).png().toFile(raster);
    files.push(vector, raster);
  }
  return files;
}
