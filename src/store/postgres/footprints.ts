import { vramClassOf } from "../../queue/vram-class.ts";
import type { AttemptRef } from "../attempts.ts";
import type { Footprint, FootprintKind, FootprintStore } from "../footprints.ts";
import type { Database } from "./database.ts";

type LocatedKind = FootprintKind & { readonly deploymentId: number; readonly cardBytes: number };

/** What runs have taught of the memory they take. */
export class PostgresFootprints implements FootprintStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  find(
    deploymentId: number,
    { fingerprint, modelSet, sizeClass }: FootprintKind,
  ): Promise<readonly (Footprint & { readonly vramClass: number })[]> {
    return this.database.run("footprints-find", [deploymentId, fingerprint, modelSet, sizeClass]);
  }

  async learn(
    { jobId, epoch, workerId }: AttemptRef,
    step: (known: Footprint | undefined, cardBytes: number) => Footprint,
  ): Promise<void> {
    await this.database.transaction(async (runner) => {
      const [kind] = await runner.run<LocatedKind>("footprints-kind", [jobId, epoch, workerId]);
      if (kind === undefined) return;
      const { deploymentId, fingerprint, modelSet, sizeClass, cardBytes } = kind;
      const place = [deploymentId, fingerprint, modelSet, sizeClass, vramClassOf(cardBytes)];
      const [known] = await runner.run<Footprint>("footprints-known", place);
      const { peakBytes, runs, outOfMemoryCount } = step(known, cardBytes);
      const values = [...place, peakBytes, runs, outOfMemoryCount, known !== undefined];
      await runner.run("footprints-save", values);
    });
  }

  async sweep(unusedMs: number, limit: number): Promise<number> {
    const rows = await this.database.sql(
      `delete from footprint where ctid = any (array(
         select ctid from footprint
         where updated_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) limit $2
       )) returning 1`,
      [unusedMs, limit],
    );
    return rows.length;
  }
}
