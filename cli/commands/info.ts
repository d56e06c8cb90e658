/** `bay info`: the cluster in a screenful, as `docker info` tells it of a daemon. */
import type { RemoteClient } from '#api/client/client.ts';
import { nodes, pods } from '#api/resources/resource-types.ts';
import type { Node, Pod } from '#api/resources/types.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { clusterOf } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { containersOf } from '../container.ts';
import { imagesOf } from '../images.ts';
import { programVersion } from '../program-path.ts';

type Line = readonly [depth: number, title: string, value: string | number];

async function containerLines(client: RemoteClient): Promise<Line[]> {
  const { items } = await containersOf(client).list();
  const count = (...phases: string[]) =>
    items.filter(({ status }) => phases.includes(status?.phase ?? '')).length;
  const [running, paused] = [count('running'), count('paused')];
  return [
    [0, 'Containers', items.length],
    [1, 'Running', running],
    [1, 'Paused', paused],
    [1, 'Stopped', items.length - running - paused],
  ];
}

function nodeLines({ metadata, status, spec }: Node, images: number, here: number): Line[] {
  const { nodeInfo, capacity, conditions } = status ?? {};
  const ready = conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const state = `${ready ? 'Ready' : 'NotReady'}${spec?.unschedulable === true ? ', cordoned' : ''}`;
  return [
    [1, metadata.name, state],
    [2, 'Pods', here],
    [2, 'Images', images],
    [2, 'Kernel Version', nodeInfo?.kernelVersion ?? ''],
    [2, 'Operating System', nodeInfo?.osImage ?? ''],
    [2, 'Architecture', nodeInfo?.architecture ?? ''],
    [2, 'Runtime', nodeInfo?.containerRuntimeVersion ?? ''],
    [2, 'CPUs', capacity?.['cpu'] ?? ''],
    [2, 'Total Memory', capacity?.['memory'] ?? ''],
  ];
}

async function lines(client: RemoteClient, directory: string): Promise<Line[]> {
  const [containers, nodeList, podList, version] = await Promise.all([
    containerLines(client),
    client.collection<Node>(nodes).list(),
    client.collection<Pod>(pods).list(),
    client.request('GET', '/version') as Promise<{ gitVersion: string }>,
  ]);
  const found: Line[] = [
    [0, 'Client', `bay v${programVersion()}`],
    [0, 'Server', client.credentials.server],
    [1, 'Version', version.gitVersion],
    [1, 'Data Directory', directory],
    ...containers,
    [0, 'Pods', podList.items.length],
    [0, 'Nodes', nodeList.items.length],
  ];
  for (const node of nodeList.items) {
    const { name } = node.metadata;
    const here = podList.items.filter(({ spec }) => spec?.nodeName === name).length;
    // A node that does not answer is told of by its state.
    const images = await imagesOf(client, name).catch(() => []);
    found.push(...nodeLines(node, images.length, here));
  }
  return found;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, clientOptions);
  if (positionals.length > 0) throw new UsageError('bay info takes no names');
  const client = await openClient(values);
  try {
    const all = await lines(client, clusterOf(values).dataDir);
    const text = all.map(([depth, title, value]) => `${' '.repeat(depth)}${title}: ${value}\n`);
    process.stdout.write(text.join(''));
    return 0;
  } finally {
    client.close();
  }
}
