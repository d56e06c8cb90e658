/** Makes the network that the nodes of one machine see each other on: a bridge, and for each further node a namespace. */
import { closeSync } from 'node:fs';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  bindNetns,
  configure,
  createNetns,
  linkIndex,
  listLinks,
  removeNetns,
} from '#native/netlink.ts';
import {
  addAddress,
  addBridge,
  addRoute,
  addVeth,
  deleteLink,
  setMaster,
  setUp,
} from '#native/netlink-requests.ts';
import type { Cluster, Settings } from '../cluster.ts';
import { type NodeNetwork, type NodePlace, nodeNetworkOf, nodePlaces } from './node-places.ts';

const NSFS_MAGIC = 0x6e736673;
const ETH0 = 2;
const LOOPBACK = 1;

const macOf = (address: string): string =>
  [
    '0a',
    '59',
    ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0')),
  ].join(':');

const linkOf = ({ bridge }: NodeNetwork, number: number): string => `${bridge}.${number}`;

const isNamespace = async (path: string): Promise<boolean> =>
  (await statfs(path).catch(() => undefined))?.type === NSFS_MAGIC;

/** Makes what is missing of it; with one node there is nothing to make. What stands (containers may run in it) is kept. */
export async function ensureNodeNetwork(cluster: Cluster, settings: Settings): Promise<void> {
  const places = nodePlaces(cluster, settings).filter(({ netns }) => netns !== undefined);
  if (places.length === 0) return;
  const network = nodeNetworkOf(settings);
  const links = new Set((await listLinks()).map(({ name }) => name));
  if (!links.has(network.bridge))
    await configure([addBridge(network.bridge, macOf(network.gateway))]);
  const index = await linkIndex(network.bridge);
  await configure([addAddress({ ip: network.gateway, prefix: 24, index })]);
  for (const place of places) {
    const name = linkOf(network, place.number);
    const stands = links.has(name) && (await isNamespace(place.netns ?? ''));
    if (!stands) await makeNode(place, { network, name, isThere: links.has(name) });
  }
}

async function makeNode(
  { netns: path = '', address }: NodePlace,
  { network, name, isThere }: { network: NodeNetwork; name: string; isThere: boolean },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await removeNetns(path);
  if (isThere) await configure([deleteLink(await linkIndex(name), name)]);
  const netns = await createNetns();
  try {
    const peer = { name: 'eth0', index: ETH0, mac: macOf(address), netns };
    await configure([addVeth({ name, peer })]);
    await configure([setMaster(name, await linkIndex(network.bridge))]);
    const inside = [
      setUp(LOOPBACK),
      setUp(ETH0),
      addAddress({ ip: address, prefix: 24, index: ETH0 }),
      addRoute({ gateway: network.gateway, index: ETH0 }),
    ];
    await configure(inside, { netns });
    await bindNetns(netns, path);
  } finally {
    closeSync(netns);
  }
}

/** Takes it away, when no agent is in it any more. Nothing there is no error. */
export async function removeNodeNetwork(cluster: Cluster, settings: Settings): Promise<void> {
  const places = nodePlaces(cluster, settings).filter(({ netns }) => netns !== undefined);
  const network = nodeNetworkOf(settings);
  for (const { netns = '' } of places) await removeNetns(netns);
  for (const place of places) {
    await removeLink(linkOf(network, place.number));
    await rm(place.runDir, { recursive: true, force: true });
  }
  await removeLink(network.bridge);
}

async function removeLink(name: string): Promise<void> {
  const link = (await listLinks()).find((one) => one.name === name);
  if (link !== undefined) await configure([deleteLink(link.index, name)]);
}
