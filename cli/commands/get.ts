/** `bay get`: documents as tables made by the server, or as JSON, YAML and names. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient, requestAs } from '../connection.ts';
import { type DiscoveredType, discover, pathOf, typeNamed } from '../discovery.ts';
import { renderServerTable, type ServerTable } from '../table.ts';

const options = {
  ...clientOptions,
  'all-namespaces': { type: 'boolean', short: 'A' },
  selector: { type: 'string', short: 'l' },
  'field-selector': { type: 'string' },
  output: { type: 'string', short: 'o' },
  watch: { type: 'boolean', short: 'w' },
  'no-headers': { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parse<typeof options>>['values'];

interface Asked {
  readonly client: RemoteClient;
  readonly type: DiscoveredType;
  readonly names: readonly string[];
  readonly namespace: string | undefined;
  readonly values: Values;
}

const tableForm = 'application/json;as=Table;v=v1;g=meta.k8s.io';

function query(values: Values): string {
  const parts = new URLSearchParams();
  if (values.selector !== undefined) parts.set('labelSelector', values.selector);
  const fields = values['field-selector'];
  if (fields !== undefined) parts.set('fieldSelector', fields);
  return parts.size === 0 ? '' : `?${parts}`;
}

/** One request for a list, one a name else. */
function paths({ type, names, namespace, values }: Asked): string[] {
  if (names.length === 0) return [`${pathOf(type, namespace)}${query(values)}`];
  return names.map((name) => pathOf(type, namespace, name));
}

async function showTable(asked: Asked): Promise<void> {
  const answers = await Promise.all(
    paths(asked).map((path) => requestAs(asked.client, path, tableForm)),
  );
  const tables = answers as ServerTable[];
  const rows = tables.flatMap((table) => table.rows);
  if (rows.length === 0) {
    const where = asked.namespace === undefined ? '' : ` in ${asked.namespace} namespace`;
    process.stderr.write(`No resources found${asked.type.namespaced ? where : ''}\n`);
    return;
  }
  const { columnDefinitions } = tables[0] ?? { columnDefinitions: [] };
  const text = renderServerTable(
    { columnDefinitions, rows },
    {
      wide: asked.values.output === 'wide',
      namespaces: asked.type.namespaced && asked.namespace === undefined,
      headings: asked.values['no-headers'] !== true,
    },
  );
  process.stdout.write(`${text}\n`);
}

async function showObjects(asked: Asked, form: string): Promise<void> {
  const answers = await Promise.all(paths(asked).map((path) => asked.client.request('GET', path)));
  if (form === 'name') {
    const { type, names } = asked;
    const objects = (
      names.length > 0 ? answers : (answers[0] as { items: unknown[] }).items
    ) as ApiObject[];
    const prefix = type.group === '' ? type.singular : `${type.singular}.${type.group}`;
    for (const { metadata } of objects) process.stdout.write(`${prefix}/${metadata.name}\n`);
    return;
  }
  const shown =
    answers.length === 1 ? answers[0] : { apiVersion: 'v1', kind: 'List', items: answers };
  if (form === 'json') process.stdout.write(`${JSON.stringify(shown, null, 4)}\n`);
  else process.stdout.write((await import('yaml')).stringify(shown));
}

/** Prints a line for every change until interrupted. */
function follow({ client, type, namespace, values }: Asked): Promise<number> {
  const collection = client.collection(type);
  return new Promise((done, fail) => {
    collection
      .watch({
        ...(namespace === undefined ? {} : { namespace }),
        ...(values.selector === undefined ? {} : { labelSelector: values.selector }),
      })
      .subscribe({
        next: (event) => {
          if (event.type === 'BOOKMARK') return;
          const { namespace: where, name, resourceVersion } = event.object.metadata;
          const what = where === undefined ? name : `${where}/${name}`;
          process.stdout.write(`${event.type.padEnd(10)}${what} (version ${resourceVersion})\n`);
        },
        error: fail,
        complete: () => done(0),
      });
    process.once('SIGINT', () => done(0));
  });
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const form = values.output ?? '';
  if (!['', 'wide', 'json', 'yaml', 'name'].includes(form)) {
    throw new UsageError(`-o ${form}: use wide, json, yaml or name`);
  }
  const [first, ...others] = positionals.flatMap((word) => word.split('/'));
  if (first === undefined) throw new UsageError('say what to get: bay get pods');
  const client = await openClient(values);
  try {
    const type = typeNamed(await discover(client), first);
    const all = values['all-namespaces'] === true;
    const namespace = all ? undefined : (values.namespace ?? 'default');
    const asked = { client, type, names: others, namespace, values };
    if (values.watch === true) return await follow(asked);
    await (form === '' || form === 'wide' ? showTable(asked) : showObjects(asked, form));
    return 0;
  } finally {
    client.close();
  }
}
