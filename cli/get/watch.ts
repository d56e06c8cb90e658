/** `bay get --watch`. */
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { type Change, follow } from '../documents/follow.ts';
import type { Printer } from '../documents/print.ts';
import { type Asked, listPath } from '../documents/select.ts';
import { type ServerTable, tableForm } from '../documents/server-table.ts';
import { answers, type Getting } from './read.ts';
import { tablePrinter } from './tables.ts';

/** One type, one name at most. */
function only({ asked }: Getting): Asked {
  const [one, ...more] = asked;
  if (one === undefined || more.length > 0) {
    throw new UsageError('you may only specify a single resource type with --watch');
  }
  if ((one.names?.length ?? 0) > 1) {
    throw new UsageError(
      'watch is only supported on individual resources and resource collections',
    );
  }
  return one;
}

/** The type's list, of which a name is the only item. */
function watchedPath(asked: Asked, getting: Getting): string {
  const name = asked.names?.[0];
  const { selection } = getting;
  if (name === undefined) return listPath(asked, selection);
  return listPath(asked, { words: [], 'field-selector': `metadata.name=${name}` });
}

interface Screen {
  first(answer: Record<string, unknown>): string;
  change(change: Change): string;
}

const eventWidth = 11;

function tableScreen(getting: Getting, asked: Asked, isWide: boolean): Screen {
  const { values } = getting;
  const printer = tablePrinter(asked, values, { isWide, showKind: values['show-kind'] === true });
  const withEvents = values['output-watch-events'] === true;
  const led = (table: ServerTable, event: string): ServerTable =>
    withEvents
      ? {
          ...table,
          columnDefinitions: [{ name: 'Event', priority: 0 }, ...(table.columnDefinitions ?? [])],
          rows: table.rows.map((row) => ({
            ...row,
            cells: [event.padEnd(eventWidth - 3), ...row.cells],
          })),
        }
      : table;
  let columns: ServerTable['columnDefinitions'] = [];
  const text = (table: ServerTable, event: string): string => {
    // Later tables of a watch may leave out their columns.
    columns = table.columnDefinitions?.length ? table.columnDefinitions : columns;
    return printer.text(
      led({ ...table, ...(columns === undefined ? {} : { columnDefinitions: columns }) }, event),
    );
  };
  return {
    first: (answer) => {
      const table = answer as unknown as ServerTable;
      return table.rows.length === 0 ? '' : text(table, 'ADDED');
    },
    change: ({ type, object }) => text(object as unknown as ServerTable, type),
  };
}

function objectScreen(print: Printer, withEvents: boolean): Screen {
  const one = (object: object, type: string) => print(withEvents ? { type, object } : object);
  return {
    first: (answer) => {
      const items = (answer['items'] as KubeObject[] | undefined) ?? [answer as KubeObject];
      const kind = String(answer['kind']).replace(/List$/, '');
      const typed = items.map((item) => ({
        ...item,
        apiVersion: item.apiVersion ?? answer['apiVersion'],
        kind: item.kind ?? kind,
      }));
      return typed.map((item) => one(item, 'ADDED')).join('');
    },
    change: ({ type, object }) => one(object, type),
  };
}

/** Shows what there is, then each change; ends by SIGINT, or when the reader has gone. */
export async function watchDocuments(
  getting: Getting,
  form: string,
  print: Printer | undefined,
): Promise<void> {
  const { client, values } = getting;
  const asked = only(getting);
  const isTable = print === undefined;
  const accept = isTable ? tableForm : 'application/json';
  const screen =
    print === undefined
      ? tableScreen(getting, asked, form === 'wide')
      : objectScreen(print, values['output-watch-events'] === true);
  const [answer] = await answers(getting, accept, isTable ? 'rows' : 'items');
  if (answer === undefined) return;
  if (values['watch-only'] !== true) process.stdout.write(screen.first(answer.body));
  const { metadata } = answer.body as { metadata?: { resourceVersion?: string } };
  const ended = new AbortController();
  const end = () => ended.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const path = watchedPath(asked, getting);
  const from = metadata?.resourceVersion ?? '';
  try {
    await follow(client, { path, accept, from, signal: ended.signal }, (change) => {
      process.stdout.write(screen.change(change));
    });
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}
