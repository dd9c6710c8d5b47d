import { z } from "zod";

import { clientOf, type CommandContext } from "../command-context.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import { startKedaServer } from "../keda/server.ts";

export interface KedaFlags {
  readonly host: string;
  readonly port: number;
}

const scalingSchema = z.object({ desired_workers: z.int().min(0) });

/** `hearth keda`: answers KEDA with what the gateway of `HEARTH_URL` wants, until told to stop. */
export async function serveKeda(context: CommandContext, flags: KedaFlags): Promise<void> {
  const client = clientOf(context);
  const ask = async (deployment: string): Promise<number> => {
    const path = `/api/hearth/v1/deployments/${encodeURIComponent(deployment)}/scaling`;
    return (await client.json(scalingSchema, "GET", path)).desired_workers;
  };
  const server = await startKedaServer(ask, flags);
  const interrupts = listenForInterrupts();
  context.output.result({ port: server.port }, `KEDA is answered on ${flags.host}:${server.port}`);
  await aborted(interrupts.first);
  interrupts.close();
  server.close();
}
