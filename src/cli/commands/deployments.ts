import { resolve } from "node:path";

import { formatBytes } from "../../kernel/bytes.ts";
import { HearthError } from "../../kernel/errors.ts";
import { modelKey } from "../../workflow/model-ref.ts";
import { CliFailure } from "../failure.ts";
import { readLockFile } from "../lock-file.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/u;

/** `hearth deployments ls`. */
export async function listDeployments(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const rows = await withStore(settings, async (store) => {
    const deployments = await store.access.listDeployments();
    const workers = await store.workers.list();
    return deployments.map((deployment) => {
      const own = workers.filter((worker) => worker.deploymentId === deployment.id);
      return Object.assign(deployment, { workers: own.length });
    });
  });
  const text = formatTable(rows, [
    { title: "NAME", text: (row) => row.slug },
    { title: "DEFAULT", text: (row) => (row.isDefault ? "yes" : "") },
    { title: "WORKERS", text: (row) => String(row.workers), align: "right" },
    { title: "MAX QUEUED", text: (row) => String(row.maxQueued), align: "right" },
    { title: "CREATED", text: (row) => row.createdAt.toISOString() },
  ]);
  context.output.result(rows, text);
}

/** `hearth deployments release`: what its workers are to have; with a lock, from now on. */
export async function releaseDeployment(
  context: CommandContext,
  name: string,
  flags: { readonly lock: string | undefined },
): Promise<void> {
  const { io, output } = context;
  const { lock: path } = flags;
  const lock = path === undefined ? undefined : await readLockFile(resolve(io.folder, path));
  const release = await withStore(await settingsOf(context), async ({ access }) => {
    const deployment = await access.findDeployment(name);
    if (deployment === undefined) {
      throw new HearthError("deployment_not_found", { details: { deployment: name } });
    }
    if (lock !== undefined) {
      const { models, deployment: options } = lock;
      await access.setRelease(deployment.id, { models, warmup: options.warmup });
    }
    return access.release(deployment.id);
  });
  const table = formatTable(release.models, [
    { title: "MODEL", text: (row) => modelKey(row) },
    { title: "SIZE", text: (row) => (row.bytes === null ? "" : formatBytes(row.bytes)) },
    { title: "SHA256", text: (row) => row.sha256?.slice(0, 12) ?? "" },
    { title: "SOURCES", text: (row) => row.sources.join(" ") },
  ]);
  output.result(release, release.models.length === 0 ? "no models" : table);
}

/** `hearth deployments create`: a queue and a base URL of its own. */
export async function createDeployment(
  context: CommandContext,
  name: string,
  flags: { readonly tenant: string },
): Promise<void> {
  if (!namePattern.test(name)) {
    const message = `"${name}" is no name for a deployment; use lower-case letters, digits and -.`;
    throw new CliFailure("usage", message);
  }
  const settings = await settingsOf(context);
  const deployment = await withStore(settings, async (store) => {
    const tenant = await store.access.ensureTenant(flags.tenant);
    return store.access.createDeployment(tenant.id, name);
  });
  if (deployment === undefined) throw new CliFailure("usage", `The name ${name} is taken.`);
  context.output.note(`clients call it at /d/${name}`);
  context.output.result(deployment, deployment.slug);
}
