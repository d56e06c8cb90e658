/** `bay top pods` and `bay top nodes`: what they use, as the metrics API says. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { milliValue, parseQuantity, value } from '#api/resources/quantity.ts';
import { nodes } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, type Values } from '../documents/flags.ts';
import { tabbed } from '../documents/tab-writer.ts';

const flags = {
  ...clientFlags,
  'all-namespaces': { type: 'boolean', short: 'A' },
  selector: { type: 'string', short: 'l' },
  'field-selector': { type: 'string' },
  containers: { type: 'boolean' },
  'no-headers': { type: 'boolean' },
  'sort-by': { type: 'string' },
  sum: { type: 'boolean' },
  'show-capacity': { type: 'boolean' },
} as const;

interface Row {
  readonly lead: readonly string[];
  readonly milli: number;
  readonly bytes: number;
  readonly of?: { readonly milli: number; readonly bytes: number };
}

const MiB = 1024 * 1024;

function amounts(usage: unknown): { milli: number; bytes: number } {
  const { cpu = '0', memory = '0' } = objectOr(usage);
  return {
    milli: milliValue(parseQuantity(String(cpu))),
    bytes: value(parseQuantity(String(memory))),
  };
}

const added = (all: readonly { milli: number; bytes: number }[]) => ({
  milli: all.reduce((sum, { milli }) => sum + milli, 0),
  bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
});

const base = '/apis/metrics.k8s.io/v1beta1';

async function read(client: RemoteClient, path: string, values: Values<typeof flags>) {
  const query = new URLSearchParams();
  if (values.selector !== undefined) query.set('labelSelector', values.selector);
  const fields = values['field-selector'];
  if (fields !== undefined) query.set('fieldSelector', fields);
  const found = (await client.request('GET', `${path}${query.size > 0 ? `?${query}` : ''}`)) as {
    items?: KubeObject[];
  };
  return found.items ?? [found as KubeObject];
}

function podRows(pods: readonly KubeObject[], values: Values<typeof flags>): Row[] {
  const isEverywhere = values['all-namespaces'] === true;
  return pods.flatMap((pod) => {
    const { namespace = '', name } = pod.metadata;
    const lead = isEverywhere ? [namespace, name] : [name];
    const containers = objectsOf(pod['containers']);
    if (values.containers !== true) {
      return [{ lead, ...added(containers.map(({ usage }) => amounts(usage))) }];
    }
    return containers.map((one) => ({
      lead: [...lead, String(one['name'])],
      ...amounts(one['usage']),
    }));
  });
}

async function nodeRows(client: RemoteClient, found: readonly KubeObject[], isCapacity: boolean) {
  const { items } = await client.collection<KubeObject>(nodes).list();
  const sizes = new Map(
    items.map((node) => {
      const status = objectOr(node['status']);
      return [node.metadata.name, amounts(status[isCapacity ? 'capacity' : 'allocatable'])];
    }),
  );
  return found.map((node): Row => {
    const { name } = node.metadata;
    const of = sizes.get(name);
    return { lead: [name], ...amounts(node['usage']), ...(of === undefined ? {} : { of }) };
  });
}

function cells({ lead, milli, bytes, of }: Row, withPercent: boolean): string[] {
  const cpu = `${milli}m`;
  const memory = `${Math.floor(bytes / MiB)}Mi`;
  if (!withPercent) return [...lead, cpu, memory];
  const share = (part: number, whole: number | undefined) =>
    whole === undefined || whole === 0 ? '<unknown>' : `${Math.floor((part * 100) / whole)}%`;
  return [...lead, cpu, share(milli, of?.milli), memory, share(bytes, of?.bytes)];
}

function sorted(rows: readonly Row[], by: string | undefined): Row[] {
  if (by === 'cpu') return rows.toSorted((a, b) => b.milli - a.milli);
  if (by === 'memory') return rows.toSorted((a, b) => b.bytes - a.bytes);
  return rows.toSorted((a, b) => (a.lead.join('\0') < b.lead.join('\0') ? -1 : 1));
}

/** Resolves with the exit code. The first word is the kind. */
export async function topOf(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('top', args, flags);
  const [kind = '', name, more] = words;
  if (more !== undefined) throw new UsageError(`bay top ${kind} [NAME]`);
  const order = values['sort-by'];
  if (order !== undefined && order !== 'cpu' && order !== 'memory') {
    throw new UsageError('--sort-by accepts only cpu or memory');
  }
  const isNodes = kind.startsWith('no');
  const isEverywhere = values['all-namespaces'] === true;
  const { namespace = 'default' } = values;
  const collection = isNodes
    ? `${base}/nodes`
    : isEverywhere
      ? `${base}/pods`
      : `${base}/namespaces/${namespace}/pods`;
  return withClient(values, async (client) => {
    const path = name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`;
    const found = await read(client, path, values);
    const rows = isNodes
      ? await nodeRows(client, found, values['show-capacity'] === true)
      : podRows(found, values);
    if (rows.length === 0) {
      const where = isNodes || isEverywhere ? '' : ` in ${namespace} namespace`;
      process.stderr.write(`No resources found${where}.\n`);
      return 0;
    }
    const lines = sorted(rows, order).map((row) => cells(row, isNodes));
    if (values.sum === true && !isNodes) {
      const blank = (rows[0]?.lead ?? []).map(() => '');
      lines.push(
        blank.map(() => '________'),
        cells({ lead: blank, ...added(rows) }, false),
      );
    }
    if (values['no-headers'] !== true)
      lines.unshift(headings(isNodes, isEverywhere, values.containers === true));
    const text = lines.map((line) => `${line.join('\t')}\n`).join('');
    process.stdout.write(tabbed(text, { min: 6, padding: 3 }));
    return 0;
  });
}

function headings(isNodes: boolean, isEverywhere: boolean, withContainers: boolean): string[] {
  if (isNodes) return ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'];
  return [
    ...(isEverywhere ? ['NAMESPACE'] : []),
    ...(withContainers ? ['POD'] : []),
    'NAME',
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
}
