import type { Command } from "commander";

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
}
