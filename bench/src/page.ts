/** One line of the page: what, how much, and how that stands to what it must reach. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly ratio?: string;
  readonly target?: string;
}

/** Milliseconds, to read. */
export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

/** How many times `a` is larger than `b`. */
export function times(a: number, b: number): string {
  return `${(a / b).toFixed(2)}x`;
}

/** The page as text, columns aligned. */
export function page(title: string, rows: readonly Row[]): string {
  const cells = rows.map((row) => [row.what, row.figure, row.ratio ?? "", row.target ?? ""]);
  const head = ["what", "figure", "ratio", "at least / aim"];
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [title, "", line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line), ""].join("\n");
}
