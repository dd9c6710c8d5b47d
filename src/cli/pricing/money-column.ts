import { formatMicroUsd } from "../../kernel/money.ts";
import type { Column } from "../table.ts";

/** A column of dollars; empty where there is no amount. */
export function money<Row>(title: string, of: (row: Row) => number | null): Column<Row> {
  const text = (row: Row): string => {
    const microUsd = of(row);
    return microUsd === null ? "" : formatMicroUsd(Math.round(microUsd));
  };
  return { title, text, align: "right" };
}
