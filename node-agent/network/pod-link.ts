/** A pod's veth: one end alone in the pod's namespace, the other on the node with a route to the pod. */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { configure, createNetns, linkIndex, listLinks } from '#native/netlink.ts';
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

/** The links of a new namespace. */
const LOOPBACK = 1;
const ETH0 = 2;

/** The node's end of the veth of the pod that has the address. Clusters of one machine differ in their bridges. */
export function vethName(bridge: string, ip: string): string {
  return `bp${createHash('sha256').update(`${bridge} ${ip}`).digest('hex').slice(0, 8)}`;
}

export interface LinkPlan {
  readonly ip: string;
  readonly gateway: string;
  readonly bridge: string;
  /** Whether a pod has the address after all: then its veth is not taken away. */
  readonly isHeld: () => Promise<boolean>;
}

/** A namespace that the address reaches, as a descriptor that is the caller's: it ends with its last descriptor. */
export async function makeLink(plan: LinkPlan): Promise<number> {
  const { ip, gateway, bridge } = plan;
  const netns = await createNetns();
  try {
    const name = vethName(bridge, ip);
    await plug(name, plan, netns);
    const index = await linkIndex(name);
    await Promise.all([setUpInside(netns, ip, gateway), configure(routeTo(ip, index, gateway))]);
    return netns;
  } catch (error) {
    closeSync(netns);
    throw error;
  }
}

/** Makes the pair. Another of the name is a leftover of who had the address before, and goes. */
async function plug(name: string, { ip, isHeld }: LinkPlan, netns: number): Promise<void> {
  const peer = { name: 'eth0', index: ETH0, mac: macOf(ip), netns };
  const make = () => configure([addVeth({ name, peer })]);
  try {
    await make();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST' || (await isHeld())) throw error;
    // The kernel takes a veth away some time after its namespace.
    const old = (await listLinks()).find((link) => link.name === name);
    if (old !== undefined) await configure([deleteLink(old.index, name)]);
    await make();
  }
}

/** The pod's end: alone on its link, so that all it sends goes through the node's rules, to its neighbours too. */
function setUpInside(netns: number, ip: string, gateway: string): Promise<void> {
  const inside = [
    setUp(LOOPBACK),
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
