export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: "left" | "right";
}

/** Columns of equal width, two spaces apart, without lines; the title row alone when empty. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => oneLine(column.text(row)))),
  ];
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => width(row[index] ?? ""))),
  );
  return cells.map((row) => formatRow(row, widths, columns)).join("\n");
}

function formatRow<Row>(
  row: readonly string[],
  widths: readonly number[],
  columns: readonly Column<Row>[],
): string {
  const padded = row.map((cell, index) => {
    const space = " ".repeat((widths[index] ?? 0) - width(cell));
    return columns[index]?.align === "right" ? space + cell : cell + space;
  });
  return padded.join("  ").trimEnd();
}

/** Names may hold anything; neither a line break nor a terminal's escape may get through. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}

function width(text: string): number {
  return Array.from(text).length;
}
