import { InvalidArgumentError, type Command } from "commander";

import type { EvictionOrder, Strategy } from "../memory/ledger.ts";
import { strategies } from "../memory/strategy.ts";
import { byteSize, texts, wholeNumber } from "./arguments.ts";

/** How a worker shares its card. */
export interface MemoryFlags {
  readonly slots: number;
  readonly reserveVram?: number;
  readonly memoryStrategy?: Strategy;
  readonly evict?: EvictionOrder;
  readonly pinVram?: readonly string[];
}

/** Workers of one card, as the store allows. */
const maxSlots = 16;

export function withMemory(command: Command): Command {
  return command
    .option("--slots <count>", "how many ComfyUIs share the GPU", wholeNumber(1, maxSlots), 1)
    .option("--reserve-vram <size>", "video memory that each keeps clear of, as 1GiB", byteSize)
    .option("--memory-strategy <name>", `${strategies.join(", ")} (default balanced)`, strategy)
    .option("--evict <order>", "which model leaves first: gdsf (default) or lru", order)
    .option(
      "--pin-vram <model>",
      "a model never to be unloaded, as folder/file (repeatable)",
      texts,
    );
}

function strategy(text: string): Strategy {
  const found = strategies.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${strategies.join(", ")}.`);
}

function order(text: string): EvictionOrder {
  if (text === "gdsf" || text === "lru") return text;
  throw new InvalidArgumentError("It must be gdsf or lru.");
}
