import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import sharp from "sharp";
import { expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { startStack } from "./stack.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const python = join(root, ".cache/python/bin/python");
/** `.ci/run` sets the environment up; elsewhere it is optional. */
const isHere = existsSync(python) || process.env.CI === "true";

it.runIf(isHere)(
  "lets the official Python SDK upload, run, follow, cancel and fail as documented",
  async () => {
    const stack = await startStack(postgresServers()[0]!.url);
    try {
      const photo = join(stack.folder, "photo.png");
      const background = { r: 9, g: 8, b: 7 };
      const create = { width: 32, height: 32, channels: 3, background } as const;
      await writeFile(photo, await sharp({ create }).png().toBuffer());
      const { stdout } = await promisify(execFile)(
        python,
        [join(root, "test/python/sdk_check.py"), photo],
        { env: { ...process.env, COMFY_BASE_URL: stack.gateway.url }, timeout: 80_000 },
      );
      expect(JSON.parse(stdout)).toEqual({
        same_asset: true,
        outputs: [1, 1],
        png: true,
        range: true,
        events: ["output", "preview", "progress", "status"],
        after_events: "succeeded",
        canceled: "canceled",
        errors: ["InvalidWorkflow", "MissingAsset", "NotFound"],
      });
    } finally {
      await stack.close();
    }
  },
  90_000,
);
