/** What can be asked of rtnetlink: pure functions that make one request each, sent by netlink.ts. */

import { attribute, type Message, text, u8, u16, u32 } from './netlink-message.ts';

// linux/rtnetlink.h, linux/netlink.h, linux/if_link.h, linux/if_addr.h, linux/veth.h
export const RTM = { newLink: 16, delLink: 17, getLink: 18, newAddr: 20, delAddr: 21, getAddr: 22 };
const ROUTE = { new: 24, delete: 25, get: 26 };
export const NLM_F = { replace: 0x100, excl: 0x200, dump: 0x300, create: 0x400 };
export const IFLA = { address: 1, ifname: 3, master: 10, linkinfo: 18, afSpec: 26, netNsFd: 28 };
const INFO = { kind: 1, data: 2 };
const VETH_INFO_PEER = 1;
const INET_CONF = 1;
const DEVCONF = { rpFilter: 8, routeLocalnet: 26 };
export const IFA = { address: 1, local: 2, broadcast: 4, flags: 8, priority: 9 };
export const RTA = { destination: 1, oif: 4, gateway: 5, source: 7 };
const AF_INET = 2;
const IFF_UP = 1;

/** A change of the network; `what` names its object in errors. */
export interface NetworkRequest extends Message {
  readonly call: string;
  readonly what: string;
  /** Failures that are none: the object is as wished already. */
  readonly tolerate?: readonly string[];
}

/** struct ifinfomsg: u8 family | u8 - | u16 type | i32 index | u32 flags | u32 which flags */
export function linkHeader({ index = 0, up }: { index?: number; up: boolean }): Buffer {
  const flags = u32(up ? IFF_UP : 0);
  return Buffer.concat([u8(0), u8(0), u16(0), u32(index), flags, flags]);
}

/** A change of a link, or with `NLM_F_CREATE` a new one. */
export function link(what: string, flags: number, ...parts: readonly Buffer[]): NetworkRequest {
  return { call: 'RTM_NEWLINK', what, type: RTM.newLink, flags, body: Buffer.concat(parts) };
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

function ipBytes(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number));
}

/** A bridge that is up. Its hardware address is fixed: else it would change with its ports and neighbours would lose it. */
export function addBridge(name: string, mac: string): NetworkRequest {
  return link(
    `bridge ${name}`,
    NLM_F.create | NLM_F.excl,
    linkHeader({ up: true }),
    attribute(IFLA.ifname, text(name)),
    attribute(IFLA.address, macBytes(mac)),
    attribute(IFLA.linkinfo, attribute(INFO.kind, text('bridge'))),
  );
}

export interface VethOptions {
  readonly name: string;
  readonly peer: {
    readonly name: string;
    readonly index: number;
    readonly mac: string;
    /** The descriptor of the namespace it is made in. */
    readonly netns: number;
  };
}

/**
 * A veth pair, our end up, the other in another namespace with the index asked for. The other end has to be set up there:
 * it cannot be (ENOTCONN) while the pair is being made.
 */
export function addVeth({ name, peer }: VethOptions): NetworkRequest {
  const other = attribute(
    VETH_INFO_PEER,
    linkHeader({ index: peer.index, up: false }),
    attribute(IFLA.ifname, text(peer.name)),
    attribute(IFLA.address, macBytes(peer.mac)),
    attribute(IFLA.netNsFd, u32(peer.netns)),
  );
  return link(
    `veth ${name}`,
    NLM_F.create | NLM_F.excl,
    linkHeader({ up: true }),
    attribute(IFLA.ifname, text(name)),
    attribute(IFLA.linkinfo, attribute(INFO.kind, text('veth')), attribute(INFO.data, other)),
  );
}

/**
 * How a pod's veth takes what comes in: only from addresses that are routed to it, so that no pod speaks as another; and with
 * loopback addresses routed, for Services that lead to this machine's loopback.
 */
export function setPodLink(index: number): NetworkRequest {
  const on = (setting: number) => attribute(setting, u32(1));
  const settings = attribute(INET_CONF, on(DEVCONF.rpFilter), on(DEVCONF.routeLocalnet));
  return link(
    `link ${index}`,
    0,
    linkHeader({ index, up: true }),
    attribute(IFLA.afSpec, attribute(AF_INET, settings)),
  );
}

/** Link 1 is the loopback of every namespace. */
export function setUp(index: number): NetworkRequest {
  return link(`link ${index}`, 0, linkHeader({ index, up: true }));
}

/** Takes about 30 ms; never for a veth, which goes with its namespace for nothing. */
export function deleteLink(index: number, name: string): NetworkRequest {
  const body = linkHeader({ index, up: false });
  const tolerate = ['ENODEV'];
  return { call: 'RTM_DELLINK', what: name, type: RTM.delLink, flags: 0, body, tolerate };
}

export interface LinkAddress {
  readonly ip: string;
  readonly prefix: number;
  readonly index: number;
}

/** struct ifaddrmsg: u8 family | u8 prefix | u8 flags | u8 scope | u32 index */
function addressBody({ ip, prefix, index }: LinkAddress): Buffer {
  return Buffer.concat([
    Buffer.of(AF_INET, prefix, 0, 0),
    u32(index),
    attribute(IFA.local, ipBytes(ip)),
    attribute(IFA.address, ipBytes(ip)),
  ]);
}

export function addAddress(address: LinkAddress): NetworkRequest {
  return {
    call: 'RTM_NEWADDR',
    what: `${address.ip}/${address.prefix}`,
    type: RTM.newAddr,
    flags: NLM_F.create | NLM_F.excl,
    body: addressBody(address),
    tolerate: ['EEXIST'],
  };
}

export function deleteAddress(address: LinkAddress): NetworkRequest {
  const what = `${address.ip}/${address.prefix}`;
  const body = addressBody(address);
  return { call: 'RTM_DELADDR', what, type: RTM.delAddr, flags: 0, body };
}

export interface Route {
  /** As `10.244.1.0/24`; absent: everything. */
  readonly destination?: string;
  /** The next hop; absent: the destination is on the link itself. */
  readonly gateway?: string;
  /** The link; absent: the one that the gateway is on. */
  readonly index?: number;
  /** The address that we speak with when we send there ourselves. */
  readonly source?: string;
}

const MAIN_TABLE = 254;
/** rtm_protocol of our routes between nodes: none that a routing daemon uses. */
export const NODE_ROUTES = 0xb4;
const STATIC = 4;

/** struct rtmsg: u8 family | u8 dst | u8 src | u8 tos | u8 table | u8 protocol | u8 scope | u8 type | u32 flags */
function routeBody({ destination, gateway, index, source }: Route, protocol: number): Buffer {
  const UNICAST = 1;
  const LINK = 253;
  const [ip = '', prefix = '0'] = destination?.split('/') ?? [];
  const scope = gateway === undefined ? LINK : 0;
  return Buffer.concat([
    Buffer.of(AF_INET, Number(prefix), 0, 0, MAIN_TABLE, protocol, scope, UNICAST),
    u32(0),
    ...(destination === undefined ? [] : [attribute(RTA.destination, ipBytes(ip))]),
    ...(gateway === undefined ? [] : [attribute(RTA.gateway, ipBytes(gateway))]),
    ...(index === undefined ? [] : [attribute(RTA.oif, u32(index))]),
    ...(source === undefined ? [] : [attribute(RTA.source, ipBytes(source))]),
  ]);
}

const routeName = ({ destination = 'default', gateway }: Route): string =>
  gateway === undefined ? destination : `${destination} via ${gateway}`;

/** `protocol`: who has made it; static unless told. */
export function addRoute(route: Route, protocol = STATIC): NetworkRequest {
  return {
    call: 'RTM_NEWROUTE',
    what: routeName(route),
    type: ROUTE.new,
    flags: NLM_F.create | NLM_F.replace,
    body: routeBody(route, protocol),
  };
}

export function deleteRoute(route: Route, protocol = STATIC): NetworkRequest {
  return {
    call: 'RTM_DELROUTE',
    what: routeName(route),
    type: ROUTE.delete,
    flags: 0,
    body: routeBody(route, protocol),
    tolerate: ['ESRCH'],
  };
}

/** Makes a link a port of a bridge. */
export function setMaster(name: string, master: number): NetworkRequest {
  return link(
    `link ${name}`,
    0,
    linkHeader({ up: true }),
    attribute(IFLA.ifname, text(name)),
    attribute(IFLA.master, u32(master)),
  );
}

/** Asks for the link of the name. */
export function linkRequest(name: string): NetworkRequest {
  const body = Buffer.concat([linkHeader({ up: false }), attribute(IFLA.ifname, text(name))]);
  return { call: 'RTM_GETLINK', what: name, type: RTM.getLink, flags: 0, body };
}

/** Asks for every link. */
export function linksRequest(): NetworkRequest {
  const body = linkHeader({ up: false });
  return { call: 'RTM_GETLINK', what: 'all', type: RTM.getLink, flags: NLM_F.dump, body };
}

/** Asks for every IPv4 route. */
export function routesRequest(): NetworkRequest {
  const body = Buffer.concat([Buffer.of(AF_INET, 0, 0, 0, 0, 0, 0, 0), u32(0)]);
  return { call: 'RTM_GETROUTE', what: 'all', type: ROUTE.get, flags: NLM_F.dump, body };
}

/** Asks for every address of a family: IPv4's unless told, 0 for all. */
export function addressesRequest(family = AF_INET): NetworkRequest {
  const body = Buffer.concat([Buffer.of(family, 0, 0, 0), u32(0)]);
  return { call: 'RTM_GETADDR', what: 'all', type: RTM.getAddr, flags: NLM_F.dump, body };
}
