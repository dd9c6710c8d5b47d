import { CliFailure } from "../failure.ts";
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
