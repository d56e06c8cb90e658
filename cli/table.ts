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

/** The server's `meta.k8s.io/v1 Table`. */
export interface ServerTable {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly {
    readonly cells: readonly unknown[];
    readonly object: { readonly metadata: { readonly name: string; readonly namespace?: string } };
  }[];
}

/** A server's table as text: narrow or `wide`, with a NAMESPACE column when several namespaces are shown. */
export function renderServerTable(
  table: ServerTable,
  options: { readonly wide: boolean; readonly namespaces: boolean; readonly headings: boolean },
): string {
  const shown = table.columnDefinitions
    .map((column, index) => ({ ...column, index }))
    .filter((column) => options.wide || column.priority === 0);
  const names = shown.map((column) => column.name.toUpperCase());
  const headings = options.namespaces ? ['NAMESPACE', ...names] : names;
  const rows = table.rows.map(({ cells, object }) => {
    const values = shown.map(({ index }) => String(cells[index] ?? '<none>'));
    return options.namespaces ? [object.metadata.namespace ?? '', ...values] : values;
  });
  return renderTable(options.headings ? headings : [], rows);
}
