import type { Command } from "commander";

import { names } from "../arguments.ts";
import type { Runner } from "./runner.ts";

/** The catalogue of platforms, cards and prices. */
export function addCatalogueCommands(program: Command, run: Runner): void {
  const catalogue = program
    .command("catalogue")
    .summary("list and refresh prices")
    .description("Lists and refreshes what platforms offer at what price.");
  catalogue
    .command("ls")
    .description("Lists offers with their source and age.")
    .option("--platform <ids>", "only these, by commas", names, [])
    .option("--gpu <id>", "only this card")
    .action((flags: { platform: readonly string[]; gpu?: string }, command: Command) =>
      run(command, async (context) => {
        const { listOffers } = await import("../commands/catalogue.ts");
        await listOffers(context, { platforms: flags.platform, gpu: flags.gpu });
      }),
    );
  catalogue
    .command("refresh")
    .description("Fetches today's prices from the platforms that publish them.")
    .option("--platform <ids>", "only these, by commas", names, [])
    .action((flags: { platform: readonly string[] }, command: Command) =>
      run(command, async (context) => {
        const { refreshCatalogue } = await import("../commands/catalogue.ts");
        await refreshCatalogue(context, { platforms: flags.platform });
      }),
    );
}
