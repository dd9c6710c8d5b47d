import type { ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import { forecastOf, stakesOf, type Forecast } from "../../control/scaling/forecasts.ts";
import { HearthError } from "../../kernel/errors.ts";
import { formatMicroUsd } from "../../kernel/money.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { withStore } from "../store-access.ts";
import { findDeployment } from "./scale.ts";

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** `hearth scale forecast`: what the traffic looks like, and whether a forecast would have paid. */
export async function showForecast(context: CommandContext, name: string): Promise<void> {
  const settings = await settingsOf(context);
  const forecast = await withStore(settings, async (store) => {
    const deployment = await findDeployment(store, name);
    const [last] = await store.scaling.decisions(deployment.id, 1);
    const snapshot = last?.snapshot as ScaleSnapshot | undefined;
    const stakes = snapshot === undefined ? undefined : stakesOf(snapshot);
    if (snapshot === undefined || stakes === undefined) {
      const message = `No controller has looked at ${name} yet, so nobody knows what workers cost.`;
      throw new HearthError("service_unavailable", { message });
    }
    const nowMs = (await store.scaling.now()).getTime();
    const { meanRunMs } = snapshot.demand;
    return forecastOf(store, deployment.id, { nowMs, meanRunMs, stakes });
  });
  context.output.result(forecast, describe(forecast).join("\n"));
}

function describe({ test, patterns }: Forecast): readonly string[] {
  const hours = patterns.busiestHours.map((hour) => `${hour}:00`).join(", ");
  const days = patterns.busiestWeekdays.map((day) => weekdays[day]).join(", ");
  const { weeklyGrowth } = patterns;
  const growth = weeklyGrowth === null ? "unknown" : `${Math.round(100 * weeklyGrowth)} % a week`;
  const verdict = test.pays
    ? `it pays: ${test.floorWorkers} workers are wanted in the next ten minutes`
    : "it does not pay, so it does not act";
  return [
    `busiest hours (UTC): ${hours || "none yet"}; busiest days: ${days || "none yet"}`,
    `growth: ${growth}; ${patterns.isBurst ? "a burst is under way" : "no burst"}`,
    `forecast by ${test.rung}, tested over ${test.buckets} stretches of ten minutes`,
    `  its band held ${Math.round(100 * test.covered)} % of them`,
    `  idle time and cold starts: ${formatMicroUsd(test.forecastMicroUsd)} with it, ` +
      `${formatMicroUsd(test.reactiveMicroUsd)} without`,
    `  ${verdict}`,
  ];
}
