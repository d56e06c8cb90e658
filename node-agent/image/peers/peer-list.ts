/** Who else may have an image: the cluster's other nodes, as their Node objects tell. */
import { createHash } from 'node:crypto';
import type { Client } from '#api/client/collection.ts';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';

export interface Peer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The names of the images it reports; a node reports at most fifty. */
  readonly images: ReadonlySet<string>;
}

/** Nodes change seldom, and a wrong address costs one short wait. */
const KEPT_MS = 5000;
const PATIENCE_MS = 2000;

export class PeerList {
  readonly #client: Client;
  readonly #self: string;
  #listed: Promise<readonly Peer[]> | undefined;

  /** `self`: this node's name. */
  constructor(client: Client, self: string) {
    this.#client = client;
    this.#self = self;
  }

  /** The peers as they were told at most some seconds ago; none when the API server does not answer soon. */
  all(): Promise<readonly Peer[]> {
    this.#listed ??= this.#list().finally(() => {
      setTimeout(() => {
        this.#listed = undefined;
      }, KEPT_MS).unref();
    });
    return this.#listed;
  }

  async #list(): Promise<readonly Peer[]> {
    const late = Promise.withResolvers<readonly Peer[]>();
    const timer = setTimeout(() => late.resolve([]), PATIENCE_MS).unref();
    const listing = this.#client
      .collection<Node>(nodes)
      .list()
      .then(({ items }) => items.flatMap((node) => peerOf(node, this.#self)));
    try {
      return await Promise.race([listing, late.promise]);
    } catch {
      return []; // the registry is asked instead
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Absent for this node itself, and for nodes that are not ready or have no address. */
export function peerOf({ metadata, status }: Node, self: string): Peer[] {
  const isReady = status?.conditions?.some(
    (each) => each.type === 'Ready' && each.status === 'True',
  );
  const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (metadata.name === self || isReady !== true || address === undefined || port === undefined)
    return [];
  const images = (status?.images ?? []).flatMap(({ names }) => names ?? []);
  return [{ name: metadata.name, address, port, images: new Set(images) }];
}

/**
 * The peers in the order they should be asked for `key`: those that report `name`, then the others; each group by rendezvous
 * hashing, so that all nodes agree on an order and different keys burden different nodes.
 */
export function ranked(peers: readonly Peer[], key: string, name: string): readonly Peer[] {
  const weight = (peer: Peer) => createHash('sha256').update(`${key}\0${peer.name}`).digest('hex');
  const weighed = peers.map((peer) => ({ peer, has: peer.images.has(name), weight: weight(peer) }));
  weighed.sort((a, b) => Number(b.has) - Number(a.has) || (a.weight < b.weight ? -1 : 1));
  return weighed.map(({ peer }) => peer);
}
