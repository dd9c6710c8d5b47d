/** What a room may import besides itself. */
export interface Layer {
  readonly mayImport: readonly string[];
  /** Takes snapshots and returns commands: no clock, randomness, timers, process or I/O. */
  readonly isPure?: true;
  /** Of store, blobs and platforms it sees the ports only: the files right in the room's folder. */
  readonly portsOnly?: true;
  /** The room's folders are adapters, and none imports another. */
  readonly hasAdapters?: true;
}

const leaves = ["kernel"];
const pureRooms = [
  "kernel",
  "protocol",
  "workflow",
  "catalogue",
  "queue",
  "memory",
  "forecast",
  "models",
  "cost",
  "scheduler",
  "autoscaler",
  "deploy",
];

/**
 * The layer table. Imports point down it; a room that is not here does not exist. `cli` is the
 * only room that puts others together.
 */
export const layers: Readonly<Record<string, Layer>> = {
  kernel: { mayImport: [], isPure: true },
  protocol: { mayImport: leaves, isPure: true },
  workflow: { mayImport: leaves, isPure: true },
  catalogue: { mayImport: leaves, isPure: true },
  queue: { mayImport: leaves, isPure: true },
  memory: { mayImport: leaves, isPure: true },
  forecast: { mayImport: leaves, isPure: true },
  models: { mayImport: ["kernel", "workflow"], isPure: true },
  cost: { mayImport: ["kernel", "catalogue"], isPure: true },
  scheduler: { mayImport: ["kernel", "queue", "memory", "models"], isPure: true },
  autoscaler: { mayImport: ["kernel", "catalogue", "queue", "forecast", "cost"], isPure: true },
  deploy: { mayImport: ["kernel", "catalogue", "workflow", "models"], isPure: true },
  config: { mayImport: leaves },
  observability: { mayImport: leaves },
  store: { mayImport: ["kernel", "queue", "observability", "protocol"] },
  blobs: { mayImport: ["kernel", "observability"], hasAdapters: true },
  "models/io": { mayImport: ["kernel", "workflow", "models", "observability"] },
  platforms: { mayImport: ["kernel", "catalogue", "deploy", "observability"], hasAdapters: true },
  control: {
    mayImport: [...pureRooms, "store", "blobs", "platforms", "observability"],
    portsOnly: true,
  },
  gateway: {
    mayImport: [
      "kernel",
      "protocol",
      "workflow",
      "queue",
      "memory",
      "scheduler",
      "config",
      "store",
      "blobs",
      "observability",
    ],
    portsOnly: true,
  },
  worker: {
    mayImport: [
      "kernel",
      "protocol",
      "workflow",
      "memory",
      "models",
      "models/io",
      "config",
      "observability",
    ],
  },
  engine: { mayImport: ["kernel", "protocol", "workflow"] },
  simulator: { mayImport: [...pureRooms, "control", "platforms", "store"] },
  cli: {
    mayImport: [
      ...pureRooms,
      "config",
      "observability",
      "store",
      "blobs",
      "models/io",
      "platforms",
      "control",
      "gateway",
      "worker",
      "engine",
      "simulator",
    ],
  },
};

/** Rooms whose own folder holds a port, and whose folders hold what stands behind it. */
export const portRooms: ReadonlySet<string> = new Set(["store", "blobs", "platforms"]);

/** Packages that only some folders may load; all others are free, but for pure rooms. */
export const packageHomes: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@aws-sdk\//u, ["blobs/s3/", "platforms/ecs/", "platforms/lambda/", "cli/"]],
  [/^@kubernetes\//u, ["platforms/kubernetes/"]],
  [/^@google-cloud\/run$/u, ["platforms/cloud-run/"]],
  [/^@azure\//u, ["platforms/container-apps/"]],
  [/^modal$/u, ["platforms/modal/"]],
  [/^runpod-sdk$/u, ["platforms/runpod/"]],
  [/^pg$/u, ["store/", "cli/"]],
  [/^(fastify|@fastify\/.*)$/u, ["gateway/", "engine/http/", "cli/"]],
  [/^(commander|@clack\/.*|picocolors)$/u, ["cli/"]],
];

/** Packages that compute and do nothing else. */
export const purePackages: ReadonlySet<string> = new Set(["zod", "yaml", "@napi-rs/blake-hash"]);
