/** Prints rows under headings, as kubectl and docker do: columns of equal width, three spaces between. */

/** Lines of text without a trailing newline; `headings` may be empty for no heading line. */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = headings.length === 0 ? rows : [headings, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return all
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
