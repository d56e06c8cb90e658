/**
 * The link that has the node's own address among its pods' addresses: their gateway. It is a bridge without ports: pods
 * hang on veths of their own, each with a route, so that all they send is routed by the node and meets its rules.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { configure, type Link, listAddresses, listLinks } from '#native/netlink.ts';
import { addAddress, addBridge, deleteAddress, deleteLink } from '#native/netlink-requests.ts';
import { type Cidr, ipText, macOf, offsetIn, parseCidr } from './cidr.ts';

export interface BridgeOptions {
  readonly name: string;
  readonly cidr: Cidr;
}

/** The first address of the network. */
export function gatewayOf(cidr: Cidr): string {
  return ipText(cidr.base + 1);
}

/** Makes the bridge what it should be. @throws Error when another link has addresses of the network */
export async function ensureBridge({ name, cidr }: BridgeOptions): Promise<void> {
  const gateway = gatewayOf(cidr);
  let links = await listLinks();
  if (!links.some((link) => link.name === name)) {
    await configure([addBridge(name, macOf(gateway))]);
    links = await listLinks();
  }
  const index = links.find((link) => link.name === name)?.index;
  if (index === undefined) throw new Error(`make the bridge ${name}: it is gone again`);
  await setGateway(name, index, cidr, links);
}

async function setGateway(
  name: string,
  index: number,
  cidr: Cidr,
  links: readonly Link[],
): Promise<void> {
  const gateway = gatewayOf(cidr);
  const addresses = await listAddresses();
  const rival = addresses.find(
    (address) => address.index !== index && overlaps(cidr, `${address.ip}/${address.prefix}`),
  );
  if (rival !== undefined) {
    const owner = links.find((link) => link.index === rival.index)?.name ?? `link ${rival.index}`;
    throw new Error(
      `give the bridge ${name} the network ${cidr.text}: ${owner} has ${rival.ip}/${rival.prefix} already; choose another pod CIDR`,
    );
  }
  const own = addresses.filter((address) => address.index === index);
  const isRight = (ip: string, prefix: number) => ip === gateway && prefix === cidr.prefix;
  const wrong = own.filter(({ ip, prefix }) => !isRight(ip, prefix));
  const missing = own.length === wrong.length;
  const requests = wrong.map(deleteAddress);
  if (missing) requests.push(addAddress({ ip: gateway, prefix: cidr.prefix, index }));
  if (requests.length > 0) await configure(requests);
}

function overlaps(cidr: Cidr, other: string): boolean {
  const [ip = '', prefixText = ''] = other.split('/');
  if (offsetIn(cidr, ip) !== undefined) return true;
  const prefix = Number(prefixText);
  // A default-sized network such as 10.0.0.0/8 on an uplink is common and harmless: ours is more specific.
  if (prefix < 16 || prefix > 30) return false;
  return offsetIn(parseCidr(other), gatewayOf(cidr)) !== undefined;
}

/** No bridge is no error. */
export async function removeBridge(name: string): Promise<void> {
  const bridge = (await listLinks()).find((link) => link.name === name);
  if (bridge !== undefined) await configure([deleteLink(bridge.index, name)]);
}

/** The kernel removes veths some 40 ms after their namespace, later if a process is still inside; 3 s are waited. */
export async function untilGone(names: ReadonlySet<string>): Promise<void> {
  const deadline = Date.now() + 3000;
  while (Date.now() < deadline) {
    if (!(await listLinks()).some(({ name }) => names.has(name))) return;
    await delay(10);
  }
}
