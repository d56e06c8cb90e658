/** `-o jsonpath=…`, `custom-columns=…`, `go-template=…` and their `-file` forms. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../arguments.ts';
import { template } from '../format.ts';
import { toJson } from './go-text.ts';
import { JsonPath, relaxed } from './json-path.ts';
import { tabbed } from './tab-writer.ts';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`error reading ${path}: ${(error as Error).message}`);
  }
}

const itemsOf = (object: object): readonly object[] =>
  'items' in object && Array.isArray(object.items) ? object.items : [object];

interface Column {
  readonly heading: string;
  readonly path: JsonPath;
}

function columnsOf(text: string): Column[] {
  return text.split(',').map((part) => {
    const [heading = '', ...rest] = part.split(':');
    if (rest.length === 0) {
      throw new UsageError(
        `unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`,
      );
    }
    const path = new JsonPath(relaxed(rest.join(':')), { allowMissing: true });
    return { heading, path };
  });
}

/** A file has a line of headings and a line of paths. */
function columnsOfFile(path: string): Column[] {
  const [headings = '', paths = ''] = read(path).split('\n');
  const words = (line: string) => line.trim().split(/\s+/).filter(Boolean);
  const [names, expressions] = [words(headings), words(paths)];
  if (names.length === 0 || names.length !== expressions.length) {
    throw new UsageError(
      `${path}: a line of headings and a line of as many JSONPath expressions are expected`,
    );
  }
  return columnsOf(names.map((name, i) => `${name}:${expressions[i]}`).join(','));
}

const cellOf = (object: object, { path }: Column): string => {
  const found = path.find(object).flat();
  return found.length === 0 ? '<none>' : found.map(shownCell).join(',');
};

const shownCell = (value: unknown): string => (value === null ? '<nil>' : JsonPath.shown(value));

function columnPrinter(columns: readonly Column[], noHeaders: boolean): Printer {
  return (object) => {
    const rows = itemsOf(object).map((one) => columns.map((column) => cellOf(one, column)));
    const all = noHeaders ? rows : [columns.map(({ heading }) => heading), ...rows];
    const text = all.map((cells) => `${cells.join('\t')}\n`).join('');
    return tabbed(text, { min: 6, padding: 3 });
  };
}

function needed(kind: string, text: string | undefined): string {
  if (text !== undefined && text !== '') return text;
  throw new UsageError(
    kind.startsWith('custom')
      ? 'custom-columns format specified but no custom columns given'
      : 'template format specified but no template given',
  );
}

type Printer = (object: object) => string;

interface Options {
  readonly strict?: boolean;
  readonly noHeaders?: boolean;
}

/** The printer of one form and what follows its `=`. */
export function templatePrinter(
  kind: string,
  given: string | undefined,
  { strict = false, noHeaders = false }: Options,
): Printer {
  const text = needed(kind, given);
  if (kind === 'custom-columns') return columnPrinter(columnsOf(text), noHeaders);
  if (kind === 'custom-columns-file') return columnPrinter(columnsOfFile(text), noHeaders);
  const source = kind.endsWith('file') ? read(text) : text;
  if (kind.startsWith('jsonpath')) {
    const path = new JsonPath(source, { allowMissing: !strict });
    if (kind !== 'jsonpath-as-json') return (object) => path.text(object);
    return (object) => `${toJson(path.find(object).flat())}\n`;
  }
  return template(source);
}
