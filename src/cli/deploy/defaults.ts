/** What a first release, or a manifest, has where nobody says otherwise. */
export const releaseDefaults = {
  deployment: "default",
  gpu: "l4",
  region: "us-east-1",
  minWorkers: 0,
  maxWorkers: 5,
  cpuCores: 4,
  memoryGib: 16,
  graceSeconds: 900,
} as const;
