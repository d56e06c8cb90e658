/** `bay get` as tables, one a type. */

import type { Asked } from '../documents/select.ts';
import { type Row, type ServerTable, TablePrinter, tableForm } from '../documents/server-table.ts';
import { typeLabel } from '../object-name.ts';
import { answers, type Getting, nothingFound, type Shown } from './read.ts';

interface Group {
  readonly asked: Asked;
  readonly tables: ServerTable[];
}

/** What follows each other of one type is one table. */
function grouped(found: readonly { asked: Asked; table: ServerTable }[]): Group[] {
  const groups: Group[] = [];
  for (const { asked, table } of found) {
    const last = groups.at(-1);
    if (last?.asked.type === asked.type) last.tables.push(table);
    else groups.push({ asked, tables: [table] });
  }
  return groups;
}

/** The printer of one type's rows. */
export function tablePrinter(
  { type }: Pick<Asked, 'type'>,
  values: Shown,
  how: { readonly isWide: boolean; readonly showKind: boolean },
): TablePrinter {
  return new TablePrinter({
    isWide: how.isWide,
    namespaces: type.namespaced && values['all-namespaces'] === true,
    headings: values['no-headers'] !== true,
    showLabels: values['show-labels'] === true,
    labelColumns: (values['label-columns'] ?? []).flatMap((text) => text.split(',')),
    prefix: how.showKind ? `${typeLabel(type)}/` : '',
  });
}

async function ordered(rows: readonly Row[], sort: string | undefined): Promise<readonly Row[]> {
  if (sort === undefined) return rows;
  const { sortedBy } = await import('../documents/sort.ts');
  return sortedBy(rows, sort, ({ object }) => object);
}

export async function showTables(getting: Getting, isWide: boolean): Promise<void> {
  const { values } = getting;
  const all = await answers(getting, tableForm, 'rows');
  const found = all.map(({ asked, body }) => ({ asked, table: body as unknown as ServerTable }));
  const isMixed = new Set(getting.asked.map(({ type }) => type)).size > 1;
  const showKind = values['show-kind'] === true || isMixed;
  const texts: string[] = [];
  for (const { asked, tables } of grouped(found)) {
    const rows = await ordered(
      tables.flatMap((table) => table.rows),
      values['sort-by'],
    );
    const [first] = tables;
    if (rows.length === 0 || first === undefined) continue;
    texts.push(tablePrinter(asked, values, { isWide, showKind }).text({ ...first, rows }));
  }
  if (texts.length > 0) process.stdout.write(texts.join('\n'));
  else if (all.length > 0 && values['ignore-not-found'] !== true) {
    process.stderr.write(nothingFound(getting));
  }
}
