/** `bay system df` and `bay system prune`: what the nodes' disks are used for, and the removal of what nobody uses. */
import { createInterface } from 'node:readline/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { type Container, containersOf } from '../container.ts';
import { humanSize, imageOptions, nodeNames } from '../images.ts';
import { renderTable } from '../table.ts';

const options = {
  ...imageOptions,
  all: { type: 'boolean', short: 'a' },
  force: { type: 'boolean', short: 'f' },
  filter: { type: 'string', multiple: true },
} as const;

interface NodeUsage {
  readonly images: {
    readonly total: number;
    readonly active: number;
    readonly sizeBytes: number;
    readonly reclaimableBytes: number;
  };
  readonly containers: { readonly total: number; readonly sizeBytes: number };
  readonly volumes: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly sizeBytes: number;
  }[];
}

interface Pruned {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
  readonly reclaimedBytes: number;
}

const onNode = (node: string, path: string) => `/api/v1/nodes/${node}/proxy/system/${path}`;
const stopped = new Set(['exited', 'created', 'dead']);

const containers = async (client: RemoteClient): Promise<readonly Container[]> =>
  (await containersOf(client).list()).items;

/** `1.2MB (30%)`, as docker has it. */
export function reclaimable(bytes: number, of: number): string {
  return of === 0 ? humanSize(bytes) : `${humanSize(bytes)} (${Math.floor((bytes * 100) / of)}%)`;
}

/** The rows of `docker system df`. */
export function usageRows(nodes: readonly NodeUsage[], all: readonly Container[]): string[][] {
  const sum = (of: (usage: NodeUsage) => number) =>
    nodes.reduce((total, each) => total + of(each), 0);
  const size = sum(({ images }) => images.sizeBytes);
  const free = sum(({ images }) => images.reclaimableBytes);
  const running = all.filter(({ status }) => !stopped.has(status?.phase ?? 'created')).length;
  const layers = sum((usage) => usage.containers.sizeBytes);
  return [
    [
      'Images',
      String(sum(({ images }) => images.total)),
      String(sum(({ images }) => images.active)),
      humanSize(size),
      reclaimable(free, size),
    ],
    [
      'Containers',
      String(all.length),
      String(running),
      humanSize(layers),
      running === 0 ? reclaimable(layers, layers) : reclaimable(0, layers),
    ],
    ['Local Volumes', ...volumeCells(nodes, all)],
  ];
}

/** Volumes that no container names could go. */
function volumeCells(nodes: readonly NodeUsage[], all: readonly Container[]): string[] {
  const mounted = all.flatMap(({ metadata, spec }) =>
    (spec.mounts ?? [])
      .filter(({ type }) => type === 'volume')
      .map(({ source }) => `${metadata.namespace}/${source}`),
  );
  const found = nodes.flatMap(({ volumes }) => volumes);
  const free = found.filter(({ namespace, name }) => !mounted.includes(`${namespace}/${name}`));
  const bytes = (volumes: typeof found) => volumes.reduce((sum, one) => sum + one.sizeBytes, 0);
  return [
    String(found.length),
    String(found.length - free.length),
    humanSize(bytes(found)),
    reclaimable(bytes(free), bytes(found)),
  ];
}

async function df(client: RemoteClient, nodes: readonly string[]): Promise<number> {
  const usages = await Promise.all(
    nodes.map((node) => client.request('GET', onNode(node, 'df')) as Promise<NodeUsage>),
  );
  const headings = ['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'];
  const rows = usageRows(usages, await containers(client));
  process.stdout.write(`${renderTable(headings, rows)}\n`);
  return 0;
}

/** `until=24h` or a time. @throws UsageError */
export function createdBefore(filters: readonly string[], now: number): number | undefined {
  let before: number | undefined;
  for (const filter of filters) {
    const [, value = ''] = /^until=(.+)$/.exec(filter) ?? [];
    const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
    const parts = [...value.matchAll(/(\d+)([hms])/g)];
    const isDuration = parts.length > 0 && parts.map(([part]) => part).join('') === value;
    const seconds = parts.reduce(
      (sum, [, n, unit = 's']) => sum + Number(n) * (units[unit] ?? 0),
      0,
    );
    before = isDuration ? now - seconds * 1000 : Date.parse(value);
    if (Number.isNaN(before))
      throw new UsageError(`--filter ${filter}: write until=24h or until=2026-01-31T12:00:00`);
  }
  return before;
}

async function confirmed(all: boolean, only: 'images' | undefined): Promise<boolean> {
  const images = all
    ? 'all images without at least one container associated to them'
    : 'all dangling images';
  const stoppedOnes = only === undefined ? '  - all stopped containers\n' : '';
  process.stdout.write(`WARNING! This will remove:\n${stoppedOnes}  - ${images}\n\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Are you sure you want to continue? [y/N] ');
  terminal.close();
  return /^y/i.test(answer.trim());
}

async function prune(
  client: RemoteClient,
  nodes: readonly string[],
  how: {
    readonly all: boolean;
    readonly before: number | undefined;
    readonly only: 'images' | undefined;
  },
): Promise<number> {
  const { all, before, only } = how;
  const everything = await containers(client);
  const isOld = ({ metadata }: Container) =>
    before === undefined || Date.parse(metadata.creationTimestamp ?? '') < before;
  const ended = everything.filter((each) => stopped.has(each.status?.phase ?? '') && isOld(each));
  const gone = only === undefined ? ended : [];
  for (const { metadata } of gone) {
    await containersOf(client).delete({
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
    });
  }
  if (gone.length > 0) {
    const ids = gone.map(({ metadata, status }) => `${status?.containerID ?? metadata.name}\n`);
    process.stdout.write(`Deleted Containers:\n${ids.join('')}\n`);
  }
  const keep = everything.filter((each) => !gone.includes(each)).map(({ spec }) => spec.image);
  let reclaimed = 0;
  for (const node of nodes) {
    const query = `all=${all}${before === undefined ? '' : `&createdBefore=${before}`}`;
    const pruned = (await client.request('POST', onNode(node, `prune/images?${query}`), {
      keep,
    })) as Pruned;
    reclaimed += pruned.reclaimedBytes;
    const lines = [
      ...pruned.untagged.map((tag) => `untagged: ${tag}\n`),
      ...pruned.deleted.map((id) => `deleted: ${id}\n`),
    ];
    if (lines.length > 0) process.stdout.write(`Deleted Images:\n${lines.join('')}\n`);
  }
  process.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`);
  return 0;
}

/** `only` images: `bay image prune`, which leaves containers alone. */
export async function run(args: readonly string[], only?: 'images'): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [what, ...rest] = positionals;
  if ((what !== 'df' && what !== 'prune') || rest.length > 0)
    throw new UsageError('write bay system df or bay system prune');
  const before = createdBefore(values.filter ?? [], Date.now());
  const all = values.all === true;
  if (what === 'prune' && values.force !== true && !(await confirmed(all, only))) return 0;
  const client = await openClient(values);
  try {
    const nodes = await nodeNames(client, values.node);
    if (what === 'df') return await df(client, nodes);
    return await prune(client, nodes, { all, before, only });
  } finally {
    client.close();
  }
}
