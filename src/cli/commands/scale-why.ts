import { decideScale } from "../../autoscaler/decide-scale.ts";
import type { ScaleDecision } from "../../autoscaler/decision.ts";
import type { Strategy } from "../../autoscaler/policy.ts";
import { scalingSettingsSchema } from "../../autoscaler/settings.ts";
import type { OfferView, ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import { observe, type KnownPlatform } from "../../control/scaling/observe.ts";
import { ScaleWatch } from "../../control/scaling/watch.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { StoredScaleDecision } from "../../store/scaling.ts";
import type { Store } from "../../store/store.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { withStore } from "../store-access.ts";
import { findDeployment } from "./scale.ts";

/** A decision with what it went by, as the controller stored it. */
interface Explained {
  readonly decidedAt: Date;
  readonly snapshot: ScaleSnapshot;
  readonly decision: ScaleDecision;
}

/** `hearth scale why`: the last decisions, newest first, with their reasons. */
export async function explainScaling(
  context: CommandContext,
  name: string,
  flags: { readonly limit: number },
): Promise<void> {
  const settings = await settingsOf(context);
  const found = await withStore(settings, async (store) => {
    const deployment = await findDeployment(store, name);
    return store.scaling.decisions(deployment.id, flags.limit);
  });
  const explained = found.map(explainedOf);
  const text =
    explained.length === 0
      ? `no controller has decided on ${name} yet`
      : explained.map((one) => describe(one).join("\n")).join("\n\n");
  context.output.result(found, text);
}

/** `hearth scale plan`: what a controller would do now, without doing it. */
export async function planScaling(
  context: CommandContext,
  name: string,
  flags: { readonly strategy?: Strategy },
): Promise<void> {
  const settings = await settingsOf(context);
  const planned = await withStore(settings, (store) => plan(store, name, flags.strategy));
  const { snapshot, decision } = planned;
  const lines = describe({ decidedAt: new Date(snapshot.nowMs), snapshot, decision });
  context.output.result({ snapshot, decision }, lines.join("\n"));
}

async function plan(
  store: Store,
  name: string,
  strategy: Strategy | undefined,
): Promise<{ readonly snapshot: ScaleSnapshot; readonly decision: ScaleDecision }> {
  const deployment = await findDeployment(store, name);
  const record = (await store.scaling.list()).find((one) => one.deploymentId === deployment.id);
  const stored = scalingSettingsSchema.safeParse(record?.settings);
  if (record === undefined || !stored.success) {
    throw new CliFailure("usage", `${name} is not scaled. Try: hearth scale set ${name} --max 3`);
  }
  const [last] = await store.scaling.decisions(deployment.id, 1);
  if (last === undefined) {
    const message = `No controller has looked at ${name} yet, so nobody knows where workers can be had.`;
    throw new HearthError("service_unavailable", { message });
  }
  const { offers } = explainedOf(last).snapshot;
  const parsed = { ...stored.data, ...(strategy !== undefined && { strategy }) };
  const scaled = { record, settings: parsed, platforms: offers.map(platformOf) };
  const price = ({ name: id }: KnownPlatform): number =>
    offers.find((offer) => offer.id === id)?.microUsdPerHour ?? 0;
  const watch = new ScaleWatch(store);
  const [seen] = await observe(store, watch, [scaled], { priceMicroUsdPerHour: price });
  if (seen === undefined) throw new HearthError("service_unavailable");
  return { snapshot: seen.snapshot, decision: decideScale(seen.snapshot) };
}

/** A platform as the controller knew it when it last decided. */
function platformOf({ id, bootMs, isSpot }: OfferView): KnownPlatform {
  return { name: id, startMs: bootMs, offer: { gpu: null, region: null, isSpot } };
}

/** The store keeps what the controller wrote; its shape is that of the decision's code. */
function explainedOf({ decidedAt, snapshot, decision }: StoredScaleDecision): Explained {
  return { decidedAt, snapshot: snapshot as ScaleSnapshot, decision: decision as ScaleDecision };
}

function describe({ decidedAt, snapshot, decision }: Explained): readonly string[] {
  const { queue, workers, policy } = snapshot;
  const count = (state: string): number => workers.filter((one) => one.state === state).length;
  const states = (["booting", "idle", "busy", "draining"] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `${count(state)} ${state}`);
  const fleet = states.length === 0 ? "no workers" : states.join(", ");
  const patience = formatDurationMs(decision.patienceMs);
  const keepAlive = formatDurationMs(decision.keepAliveMs);
  const head =
    `${decidedAt.toISOString()}  ${policy.strategy}: ${queue.queued} queued; ${fleet}; ` +
    `target ${decision.target}`;
  const commands = decision.commands.map((command) =>
    command.action === "launch"
      ? `  launch ${command.count} on ${command.offer}: ${command.reason}`
      : `  drain ${command.workerId}: ${command.reason}`,
  );
  return [
    head,
    ...(commands.length === 0 ? ["  nothing to do"] : commands),
    ...decision.because.map(({ rule, workers: number, text }) => `  ${rule} (${number}): ${text}`),
    `  a job may wait ${patience}; an idle worker stays ${keepAlive}`,
    ...(decision.batch > 1
      ? [`  advice: send up to ${decision.batch} like images in one job; nothing batches by itself`]
      : []),
  ];
}
