/**
 * Columns as Go's text/tabwriter makes them, in which kubectl writes: a cell ends with a tab; a column is a block of
 * lines in a row that have a cell in it. What follows the last tab of a line belongs to no column.
 */

interface Widths {
  readonly min: number;
  readonly padding: number;
  /** Columns that were this wide before stay so. */
  readonly atLeast?: readonly number[];
}

const lengthOf = (text: string): number => [...text].length;

/** Pads the cells of the lines from `from` to `to` from this column on. */
function layOut(lines: string[][], from: number, to: number, column: number, how: Widths): void {
  for (let start = from; start < to; start += 1) {
    const hasCell = (line: string[] | undefined) => (line?.length ?? 0) > column + 1;
    if (!hasCell(lines[start])) continue;
    let end = start;
    let width = Math.max(how.min, how.atLeast?.[column] ?? 0);
    for (; end < to && hasCell(lines[end]); end += 1) {
      width = Math.max(width, lengthOf(lines[end]?.[column] ?? '') + how.padding);
    }
    for (const line of lines.slice(start, end)) {
      const cell = line[column] ?? '';
      line[column] = cell + ' '.repeat(width - lengthOf(cell));
    }
    layOut(lines, start, end, column + 1, how);
    start = end - 1;
  }
}

function laidOut(text: string, how: Widths): string[][] {
  const lines = text.split('\n').map((line) => line.split('\t'));
  layOut(lines, 0, lines.length, 0, how);
  return lines;
}

/** Text with tabs as text in columns. */
export function tabbed(text: string, how: Widths = { min: 0, padding: 2 }): string {
  return laidOut(text, how)
    .map((cells) => cells.join(''))
    .join('\n');
}

/** How wide the columns of a table come out. */
export function columnWidths(text: string, how: Widths): number[] {
  const [first = []] = laidOut(text, how);
  return first.slice(0, -1).map(lengthOf);
}
