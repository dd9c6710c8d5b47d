import type { Command } from "commander";

import { wholeNumber } from "../arguments.ts";
import type { Runner } from "./runner.ts";

/** What the operator's platforms are and whether they answer. */
export function addPlatformCommands(program: Command, run: Runner): void {
  const platforms = program
    .command("platforms")
    .summary("list and check the platforms that workers run on")
    .description("Lists and checks the platforms of the settings file.");
  platforms
    .command("ls")
    .description("Lists the platforms and what each cannot do, with reasons.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listPlatforms } = await import("../commands/platforms.ts");
        await listPlatforms(context);
      }),
    );
  platforms
    .command("check")
    .description("Asks each platform something harmless; exit 1 where one does not answer.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { checkPlatforms } = await import("../commands/platforms.ts");
        await checkPlatforms(context);
      }),
    );
  program
    .command("keda")
    .summary("answer KEDA's external scaler")
    .description("Tells KEDA over gRPC how many workers a deployment is to have.")
    .option("--host <host>", "where it listens", "127.0.0.1")
    .option("-p, --port <port>", "its port; 0 picks a free one", wholeNumber(0, 65_535), 6_000)
    .action((flags: { host: string; port: number }, command: Command) =>
      run(command, async (context) => {
        const { serveKeda } = await import("../commands/keda.ts");
        await serveKeda(context, flags);
      }),
    );
}
