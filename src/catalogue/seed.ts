import { parseCatalogue, type Catalogue } from "./catalogue.ts";
import facts from "./facts.json" with { type: "json" };
import gpus from "./gpus.json" with { type: "json" };
import offers from "./offers.json" with { type: "json" };
import platforms from "./platforms.json" with { type: "json" };

/** The catalogue that Hearth ships with. */
export function seedCatalogue(): Catalogue {
  const parsed = parseCatalogue({ gpus, platforms, facts, offers });
  if (!parsed.ok) throw new Error(`The shipped catalogue is broken: ${parsed.error}`);
  return parsed.value;
}
