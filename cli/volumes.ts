/** What `bay volume` asks the nodes: a volume with a name is the namespace's, on the node where it was first used. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';

export interface Volume {
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly createdAt: string;
  readonly users: readonly { readonly id: string; readonly name: string }[];
}

export interface PlacedVolume extends Volume {
  readonly node: string;
}

const onNode = (node: string, rest = ''): string => `/api/v1/nodes/${node}/proxy/volumes${rest}`;
const one = (namespace: string, name: string): string =>
  `/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

/** Those of a namespace on these nodes, by name. */
export async function volumesOf(
  client: RemoteClient,
  nodes: readonly string[],
  namespace: string,
): Promise<readonly PlacedVolume[]> {
  const all: PlacedVolume[] = [];
  for (const node of nodes) {
    const found = (await client.request('GET', onNode(node))) as readonly Volume[];
    all.push(...found.map((volume) => ({ ...volume, node })));
  }
  return all
    .filter((volume) => volume.namespace === namespace)
    .sort((a, b) => a.name.localeCompare(b.name) || a.node.localeCompare(b.node));
}

export async function createVolume(
  client: RemoteClient,
  node: string,
  { namespace, name }: Pick<Volume, 'namespace' | 'name'>,
): Promise<void> {
  await client.request('POST', onNode(node, one(namespace, name)));
}

/** The bytes that are free now; undefined where there is none. @throws StatusError 409 while it is in use */
export async function removeVolume(
  client: RemoteClient,
  node: string,
  { namespace, name }: Pick<Volume, 'namespace' | 'name'>,
): Promise<number | undefined> {
  try {
    const gone = await client.request('DELETE', onNode(node, one(namespace, name)));
    return (gone as { reclaimedBytes: number }).reclaimedBytes;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** As docker's API tells a volume; the node, which docker has not, comes last. */
export const told = ({ createdAt, path, name, node }: PlacedVolume) => ({
  CreatedAt: createdAt.replace(/\.\d+Z$/, 'Z'),
  Driver: 'local',
  Labels: null,
  Mountpoint: path,
  Name: name,
  Options: null,
  Scope: 'local',
  Node: node,
});
