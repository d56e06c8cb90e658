/** A pod's veth: one end alone in the pod's namespace, the other on the node with a route to the pod. */
import { createHash } from 'node:crypto';
import { configure, listLinks } from '#native/netlink.ts';
import {
  addAddress,
  addRoute,
  addVeth,
  deleteLink,
  type NetworkRequest,
  setPodLink,
  setUp,
} from '#native/netlink-requests.ts';
import { macOf } from './cidr.ts';

/** The second link of a new namespace. */
const ETH0 = 2;

/** The node's end of a pod's veth. */
export function vethName(podUid: string): string {
  return `bp${createHash('sha256').update(podUid).digest('hex').slice(0, 8)}`;
}

export interface PodEnd {
  readonly ip: string;
  /** The descriptor of the pod's namespace. */
  readonly netns: number;
}

/** Makes the pair. `attached`: veths that pods have; another of the name is a leftover of the same pod and goes. */
export async function plug(
  name: string,
  { ip, netns }: PodEnd,
  attached: readonly string[],
): Promise<void> {
  const peer = { name: 'eth0', index: ETH0, mac: macOf(ip), netns };
  const make = () => configure([addVeth({ name, peer })]);
  try {
    await make();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
    if (attached.includes(name)) throw error;
    // The kernel takes a veth away some time after its namespace.
    const old = (await listLinks()).find((link) => link.name === name);
    if (old !== undefined) await configure([deleteLink(old.index, name)]);
    await make();
  }
}

/** The pod's end: alone on its link, so that all it sends goes through the node's rules, to its neighbours too. */
export function setUpInside(netns: number, ip: string, gateway: string): Promise<void> {
  const inside = [
    setUp(ETH0),
    addAddress({ ip, prefix: 32, index: ETH0 }),
    addRoute({ destination: `${gateway}/32`, index: ETH0 }),
    addRoute({ gateway, index: ETH0 }),
  ];
  return configure(inside, { netns });
}

/** The node's end: what makes the pod reachable. `index`: of the veth. */
export function routeTo(ip: string, index: number, gateway: string): NetworkRequest[] {
  return [setPodLink(index), addRoute({ destination: `${ip}/32`, index, source: gateway })];
}
