/** `bay ps`: containers as docker lists them. */
import { clientOptions, parse } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { containerColumns, containerRow } from '../container-rows.ts';
import { type Filters, filtersOf, hasLabels, some } from '../filters.ts';
import { idOf, nameOf } from '../find-container.ts';
import { fullName } from '../images.ts';
import { renderRows } from '../listing.ts';

const options = {
  ...clientOptions,
  all: { type: 'boolean', short: 'a' },
  quiet: { type: 'boolean', short: 'q' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  filter: { type: 'string', short: 'f', multiple: true },
  format: { type: 'string' },
  latest: { type: 'boolean', short: 'l' },
  last: { type: 'string' },
  'no-trunc': { type: 'boolean' },
} as const;

const known = ['id', 'name', 'label', 'status', 'exited', 'ancestor', 'health', 'before', 'since'];

const ended = ['exited', 'created', 'dead'];
const isShownAlways = ({ status }: Container): boolean =>
  status?.phase !== undefined && !ended.includes(status.phase);

/** Docker's names are patterns that may stand anywhere in the name. */
function matches(name: string, pattern: string): boolean {
  try {
    return new RegExp(pattern.replace(/^\^?\//, '^')).test(name);
  } catch {
    return name.includes(pattern);
  }
}

/** Pure: the containers that all filters let through. */
export function filtered(all: readonly Container[], filters: Filters): Container[] {
  const createdAt = (text: string): string =>
    all.find((one) => nameOf(one) === text || idOf(one).startsWith(text))?.metadata
      .creationTimestamp ?? '';
  return all.filter((one) => {
    const { spec, status, metadata } = one;
    const created = metadata.creationTimestamp ?? '';
    return (
      some(filters, 'id', (id) => idOf(one).startsWith(id)) &&
      some(filters, 'name', (name) => matches(nameOf(one), name)) &&
      some(filters, 'status', (phase) => (status?.phase ?? 'created') === phase) &&
      some(filters, 'exited', (code) => String(status?.exitCode) === code) &&
      some(filters, 'health', (health) => (status?.health ?? 'none') === health) &&
      some(filters, 'ancestor', (image) => fullName(spec.image) === fullName(image)) &&
      some(filters, 'before', (text) => created < createdAt(text)) &&
      some(filters, 'since', (text) => created > createdAt(text)) &&
      hasLabels(filters, spec.labels)
    );
  });
}

const newestFirst = (a: Container, b: Container): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  const filters = filtersOf(values.filter ?? [], known);
  const last = values.latest === true ? 1 : Number(values.last ?? 0);
  const client = await openClient(values);
  try {
    const everywhere = values['all-namespaces'] === true;
    const where = everywhere ? {} : { namespace: values.namespace ?? 'default' };
    const { items } = await containersOf(client).list(where);
    const all = values.all === true || last > 0 || filters.has('status') || filters.has('exited');
    const found = filtered(items, filters).filter((one) => all || isShownAlways(one));
    const shown = last > 0 ? found.sort(newestFirst).slice(0, last) : found;
    const whole = values['no-trunc'] === true;
    const rows = shown.map((one) => containerRow(one, whole));
    const text =
      values.quiet === true
        ? rows.map(({ ID }) => ID).join('\n')
        : renderRows(rows, containerColumns, values.format);
    if (text !== '') process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    client.close();
  }
}
