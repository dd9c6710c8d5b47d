import { z } from "zod";

const text = z.string().min(1).max(300);
const count = z.int().min(0).max(10_000);
const names = z.record(z.string().max(300), z.string().max(300)).default({});
const program = z.array(z.string().max(2_000)).min(1).max(64);

/** What every platform has: one kind of GPU in one place. */
const common = {
  /** The GPU as the platform or the catalogue names it, for its price. */
  gpu: text.nullable().default(null),
  region: text.nullable().default(null),
  isSpot: z.boolean().default(false),
};
/** Tells our instances from those of another installation in the same account. */
const owner = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/u)
  .default("hearth");

const runpod = z.strictObject({
  kind: z.literal("runpod"),
  ...common,
  endpointId: text,
  maxRunMs: z.int().min(60_000).max(600_000_000).default(86_400_000),
  minWorkers: count.default(0),
  maxWorkers: count.min(1).default(3),
  idleTimeoutSeconds: z.int().min(1).max(3_600).default(5),
});

const modal = z.strictObject({
  kind: z.literal("modal"),
  ...common,
  app: text.default("hearth"),
  function: text.default("drain"),
  environment: text.nullable().default(null),
  maxContainers: count.min(1).default(10),
  scaledownWindowMs: z.int().min(2_000).max(1_200_000).default(2_000),
});

const ecs = z.strictObject({
  kind: z.literal("ecs"),
  ...common,
  region: text,
  owner,
  cluster: text,
  taskDefinition: text,
  container: text.default("worker"),
  capacityProvider: text,
  subnets: z.array(text).max(16).default([]),
  securityGroups: z.array(text).max(5).default([]),
  assignPublicIp: z.boolean().default(false),
});

const cloudRun = z.strictObject({
  kind: z.literal("cloud-run"),
  ...common,
  region: text,
  project: text,
  job: text,
  container: text.default("worker"),
  image: text.nullable().default(null),
});

const containerApps = z.strictObject({
  kind: z.literal("container-apps"),
  ...common,
  subscriptionId: z.uuid(),
  resourceGroup: text,
  job: text,
  container: text.default("worker"),
  image: text,
  cpuCores: z.number().positive().max(64),
  memory: z.string().regex(/^\d+(\.\d+)?Gi$/u),
});

const kubernetes = z.strictObject({
  kind: z.literal("kubernetes"),
  ...common,
  owner,
  context: text.nullable().default(null),
  namespace: text.default("default"),
  image: text,
  gpuResource: text.nullable().default("nvidia.com/gpu"),
  gpuCount: z.int().min(1).max(16).default(1),
  nodeSelector: names,
  requests: names,
  serviceAccount: text.nullable().default(null),
  graceSeconds: z.int().min(1).max(86_400).default(600),
});

const command = z.strictObject({
  kind: z.literal("command"),
  ...common,
  launch: program,
  list: program,
  terminate: program,
  startMs: z.int().min(1_000).max(3_600_000).default(900_000),
});

/** The settings of one platform; credentials come from the environment, never from a file. */
const platformSchema = z.discriminatedUnion("kind", [
  runpod,
  modal,
  ecs,
  cloudRun,
  containerApps,
  kubernetes,
  command,
]);

export const platformsSchema = z
  .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/u), platformSchema)
  .default({});

export type PlatformSettings = Readonly<z.infer<typeof platformSchema>>;
export type SettingsOf<Kind extends PlatformSettings["kind"]> = Extract<
  PlatformSettings,
  { readonly kind: Kind }
>;
