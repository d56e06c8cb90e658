/** Rows of things as docker lists them: a table, one's own columns, or JSON, as `--format` says. */
import { template } from './format.ts';
import { renderTable } from './table.ts';

/** `[[heading, field], …]`: the usual columns. */
export type Columns = readonly (readonly [heading: string, field: string])[];
export type Row = Readonly<Record<string, string>>;

/** Text without a newline at its end; headings of fields that the usual table has not are the fields' names. */
export function renderRows(rows: readonly Row[], usual: Columns, format = 'table'): string {
  if (format === 'json') return rows.map((row) => JSON.stringify(row)).join('\n');
  if (format === 'table') {
    const cells = rows.map((row) => usual.map(([, field]) => row[field] ?? ''));
    return renderTable(
      usual.map(([heading]) => heading),
      cells,
    );
  }
  const isTable = format.startsWith('table ');
  const show = template(isTable ? format.slice(6) : format);
  if (!isTable) return rows.map(show).join('\n');
  const named = Object.keys(rows[0] ?? {}).map((field) => [field, headingOf(field, usual)]);
  const lines = [Object.fromEntries([...usual.map(([h, f]) => [f, h]), ...named]), ...rows];
  const [heading = [], ...cells] = lines.map((line) => show(line).split('\t'));
  return renderTable(heading, cells);
}

const headingOf = (field: string, usual: Columns): string =>
  usual.find(([, name]) => name === field)?.[0] ??
  field.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase();
