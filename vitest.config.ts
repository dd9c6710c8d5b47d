import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/postgres-servers.ts"],
    pool: "threads",
    // Each isolated file would pay the import graph again, about 0.3 s.
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
