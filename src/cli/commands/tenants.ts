import { formatDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { Store } from "../../store/store.ts";
import type { TenantLimits, TenantRecord } from "../../store/tenants.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

/** `hearth tenants ls`: limits, what was used of them, and deployments of others. */
export async function listTenants(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const tenants = await withStore(settings, (store) => store.tenants.list());
  const text = formatTable(tenants, [
    { title: "NAME", text: (row) => row.slug },
    { title: "PRIORITY", text: (row) => row.defaultPriority ?? "normal" },
    { title: "MAX QUEUED", text: (row) => limitText(row.maxQueued), align: "right" },
    { title: "MAX RUNNING", text: (row) => limitText(row.maxRunning), align: "right" },
    { title: "USED TODAY", text: (row) => formatDurationMs(row.gpuMsToday), align: "right" },
    {
      title: "MAX A DAY",
      text: (row) => (row.maxGpuMsADay === null ? "" : formatDurationMs(row.maxGpuMsADay)),
      align: "right",
    },
    { title: "MAY USE", text: shareText },
  ]);
  context.output.result(tenants, text);
}

/** `hearth tenants set`: changes the limits that are named. */
export async function setTenant(
  context: CommandContext,
  name: string,
  limits: Partial<TenantLimits>,
): Promise<void> {
  if (Object.keys(limits).length === 0) throw new CliFailure("usage", "Name a limit to set.");
  const settings = await settingsOf(context);
  const tenant = await withStore(settings, async (store) => {
    const { id } = await findTenant(store, name);
    await store.tenants.setLimits(id, limits);
    return findTenant(store, name);
  });
  context.output.result(tenant, tenant.slug);
}

/** `hearth tenants share`: lets a tenant use a deployment of another one. */
export async function shareDeployment(
  context: CommandContext,
  name: string,
  deployment: string,
  weight: number,
): Promise<void> {
  const settings = await settingsOf(context);
  await withStore(settings, async (store) => {
    const found = await findDeployment(store, deployment);
    const { id } = await store.access.ensureTenant(name);
    if (found.tenantId === id) throw new CliFailure("usage", `${deployment} is ${name}'s own.`);
    await store.tenants.share(id, found.id, weight);
  });
  context.output.note("its jobs run on the same workers as the owner's, one after the other");
  context.output.result({ tenant: name, deployment, weight }, `${name} may use ${deployment}`);
}

/** `hearth tenants unshare`: jobs that are queued already still run. */
export async function unshareDeployment(
  context: CommandContext,
  name: string,
  deployment: string,
): Promise<void> {
  const settings = await settingsOf(context);
  const wasShared = await withStore(settings, async (store) => {
    const found = await findDeployment(store, deployment);
    return store.tenants.unshare((await findTenant(store, name)).id, found.id);
  });
  if (!wasShared) throw new CliFailure("usage", `${deployment} is not shared with ${name}.`);
  context.output.result({ tenant: name, deployment }, `${name} may no longer use ${deployment}`);
}

async function findTenant(store: Store, name: string): Promise<TenantRecord> {
  const found = (await store.tenants.list()).find(({ slug }) => slug === name);
  if (found !== undefined) return found;
  const message = `There is no tenant ${name}; hearth tenants ls lists them.`;
  throw new HearthError("not_found", { message });
}

async function findDeployment(
  store: Store,
  slug: string,
): Promise<{ readonly id: number; readonly tenantId: number }> {
  const found = await store.access.findDeployment(slug);
  if (found === undefined) throw new HearthError("deployment_not_found");
  return found;
}

function limitText(limit: number | null): string {
  return limit === null ? "" : String(limit);
}

function shareText({ shares }: TenantRecord): string {
  return shares.map(({ deployment, weight }) => `${deployment} (weight ${weight})`).join(", ");
}
