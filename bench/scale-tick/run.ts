import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import pg from "pg";

import { decideScale } from "../../src/autoscaler/decide-scale.ts";
import { scalingSettingsSchema } from "../../src/autoscaler/settings.ts";
import { observe } from "../../src/control/scaling/observe.ts";
import { ScaleWatch } from "../../src/control/scaling/watch.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded/server.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { fillFleet } from "./fill.ts";

/**
 * CPU of one pass of the scale loop, from the first statement to the last decision, at full size
 * and at a quarter of it: deployments, and with them their workers and jobs. Ends with 1 above the
 * bar or if it grows faster than the fleet.
 */
const { values } = parseArgs({
  options: {
    deployments: { type: "string", default: "100" },
    workers: { type: "string", default: "50" },
    queued: { type: "string", default: "100000" },
  },
});
const full = {
  deployments: Number(values.deployments),
  workers: Number(values.workers),
  queued: Number(values.queued),
};
const barMs = 150;
const passes = 15;
const warmUps = 5;
/** Measuring twice the same differs by this much. */
const noise = 1.3;

interface Measured {
  readonly deployments: number;
  readonly medianCpuMs: number;
  readonly p95CpuMs: number;
  readonly commands: number;
}

async function measure(size: typeof full): Promise<Measured> {
  const dataDir = await mkdtemp(join(tmpdir(), "hearth-bench-scale-"));
  const server = await startEmbeddedPostgres({ dataDir });
  const { connectionString } = server;
  await migrate(connectionString);
  const store = await openPostgresStore({ connectionString });
  const client = new pg.Client({ connectionString });
  await client.connect();
  await fillFleet(client, size);
  await client.end();
  const watch = new ScaleWatch(store);
  const platform = {
    name: "cloud",
    startMs: 30_000,
    offer: { gpu: null, region: null, isSpot: false },
  };
  const prices = { priceMicroUsdPerHour: () => 1_100_000 };
  const times: number[] = [];
  let commands = 0;
  for (let pass = 0; pass < warmUps + passes; pass++) {
    const before = process.cpuUsage();
    const records = await store.scaling.list();
    const deployments = records.map((record) => {
      const settings = scalingSettingsSchema.parse(record.settings);
      return { record, settings, platforms: [platform] };
    });
    const seen = await observe(store, watch, deployments, prices);
    commands = seen.reduce((sum, { snapshot }) => sum + decideScale(snapshot).commands.length, 0);
    const { user, system } = process.cpuUsage(before);
    if (pass >= warmUps) times.push((user + system) / 1000);
  }
  await store.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
  return { deployments: size.deployments, medianCpuMs: at(0.5), p95CpuMs: at(0.95), commands };
}

const quarter = {
  ...full,
  deployments: Math.ceil(full.deployments / 4),
  queued: Math.ceil(full.queued / 4),
};
const [small, large] = [await measure(quarter), await measure(full)];
console.table([small, large]);
const growth = large.medianCpuMs / small.medianCpuMs;
const size = full.deployments / quarter.deployments;
console.log(
  `one pass: ${large.medianCpuMs.toFixed(1)} ms of CPU (bar ${barMs}); p95 ${large.p95CpuMs.toFixed(1)} ms`,
);
console.log(`${size} times the fleet takes ${growth.toFixed(2)} times the CPU`);
process.exitCode = large.medianCpuMs <= barMs && growth <= size * noise ? 0 : 1;
