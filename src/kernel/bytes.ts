import { err, ok, type Result } from "./result.ts";

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Writes a byte count with a binary unit: "312 B", "4.6 MiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Reads "512", "64KiB", "100MiB" or "20GB" as bytes; KB, MB, GB and TB are powers of 1000. */
export function parseBytes(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)\s*(B|[KMGT]i?B)?$/u.exec(text.trim());
  if (match === null) return err(`"${text}" is not a size; write bytes or a unit, such as 100MiB`);
  const [, amount, name = "B"] = match;
  const power = "BKMGT".indexOf(name.charAt(0));
  return ok(Math.round(Number(amount) * (name.includes("i") ? 1024 : 1000) ** power));
}
