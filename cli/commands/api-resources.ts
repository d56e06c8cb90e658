/** `bay api-resources`: the types that the server has. */
import { apiVersionOf } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { type DiscoveredType, discover } from '../discovery.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, type Values } from '../documents/flags.ts';
import { tabbed } from '../documents/tab-writer.ts';

const flags = {
  ...clientFlags,
  namespaced: { type: 'boolean' },
  'api-group': { type: 'string' },
  verbs: { type: 'string', multiple: true },
  categories: { type: 'string', multiple: true },
  'no-headers': { type: 'boolean' },
  'sort-by': { type: 'string' },
  output: { type: 'string', short: 'o' },
  cached: { type: 'boolean' },
} as const;

const words = (list: readonly string[] = []): string[] => list.flatMap((text) => text.split(','));

/** Types that are no subresources, one version of each: the preferred. */
function chosen(types: readonly DiscoveredType[], values: Values<typeof flags>): DiscoveredType[] {
  const group = values['api-group'];
  const verbs = words(values.verbs);
  const categories = words(values.categories);
  const preferred = new Map<string, string>();
  for (const { group: of, version } of types) if (!preferred.has(of)) preferred.set(of, version);
  return types.filter(
    (type) =>
      preferred.get(type.group) === type.version &&
      type.verbs.length > 0 &&
      (group === undefined || type.group === group) &&
      (values.namespaced === undefined || type.namespaced === values.namespaced) &&
      verbs.every((verb) => type.verbs.includes(verb)) &&
      categories.every((category) => type.categories.includes(category)),
  );
}

type Order = (a: DiscoveredType, b: DiscoveredType) => number;

const by =
  (key: (type: DiscoveredType) => string): Order =>
  (a, b) =>
    key(a) < key(b) ? -1 : Number(key(a) > key(b));

const orders: Readonly<Record<string, Order>> = {
  '': by(({ group, plural }) => `${group}\0${plural}`),
  name: by(({ plural }) => plural),
  kind: by(({ kind }) => kind),
};

function row(type: DiscoveredType, isWide: boolean): string {
  const { plural, shortNames, namespaced, kind, verbs, categories } = type;
  const cells = [plural, shortNames.join(','), apiVersionOf(type), String(namespaced), kind];
  if (isWide) cells.push([...verbs].sort().join(','), categories.join(','));
  return cells.join('\t');
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseFlags('api-resources', args, flags);
  const { output = '' } = values;
  const order = orders[values['sort-by'] ?? ''];
  if (order === undefined) throw new UsageError('--sort-by accepts only name or kind');
  if (!['', 'wide', 'name'].includes(output)) {
    throw new UsageError(`--output ${output} is not available: wide or name`);
  }
  const types = await withClient(values, discover);
  const found = chosen(types, values).sort(order);
  if (output === 'name') {
    const names = found.map(({ plural, group }) => (group === '' ? plural : `${plural}.${group}`));
    process.stdout.write(names.map((name) => `${name}\n`).join(''));
    return 0;
  }
  const isWide = output === 'wide';
  const headings = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'];
  if (isWide) headings.push('VERBS', 'CATEGORIES');
  const lines = found.map((type) => row(type, isWide));
  if (values['no-headers'] !== true) lines.unshift(headings.join('\t'));
  process.stdout.write(tabbed(lines.map((line) => `${line}\n`).join(''), { min: 6, padding: 3 }));
  return 0;
}
