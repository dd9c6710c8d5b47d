import { migrate, migrationStatus } from "../../store/postgres/migrate.ts";
import { CliFailure } from "../failure.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { openDatabase, reachable } from "../store-access.ts";

/** `hearth migrate`: brings the database up to date; `--check` only says whether it is. */
export async function migrateDatabase(
  context: CommandContext,
  flags: { readonly check: boolean },
): Promise<void> {
  const settings = await settingsOf(context);
  const database = await openDatabase(settings);
  try {
    const { connectionString } = database;
    const status = await reachable(() =>
      flags.check ? migrationStatus(connectionString) : migrate(connectionString),
    );
    if (status.pending.length > 0) {
      const { pending } = status;
      throw new CliFailure("checks_failed", `Not applied yet: ${pending.join(", ")}.`, {
        hint: "Run hearth migrate.",
        details: { pending },
      });
    }
    context.output.result(status, `up to date at migration ${status.applied.at(-1) ?? 0}`);
  } finally {
    await database.close();
  }
}
