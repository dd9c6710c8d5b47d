import { defineConfig } from "vitest/config";

/** Runs the end-to-end suite against the ComfyUI of `COMFYUI_URL`. */
export default defineConfig({
  test: {
    root: new URL("../../", import.meta.url).pathname,
    include: ["test/comfyui/real.ts"],
    globalSetup: ["test/postgres-servers.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
