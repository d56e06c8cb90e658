/**
 * Network namespaces, and the kernel's network configuration over rtnetlink. Requests are made by the pure functions of
 * netlink-requests.ts and sent several at a time by `configure`, on a worker thread.
 * Failures throw `NativeError` with the object in `path`.
 */

import { getSystemErrorName } from 'node:util';
import { NativeError } from './binding.ts';
import { loadAddon } from './load.ts';
import { decodeAnswers, decodeAttributes, encodeMessages, numberAt } from './netlink-message.ts';
import {
  addressesRequest,
  IFA,
  IFLA,
  type LinkAddress,
  linkRequest,
  linksRequest,
  type NetworkRequest,
  NODE_ROUTES,
  type Route,
  RTA,
  routesRequest,
} from './netlink-requests.ts';

interface Face {
  createNetns(): Promise<number>;
  bindNetns(fd: number, path: string): Promise<void>;
  removeNetns(path: string): Promise<void>;
  netlinkTalk(netns: number, protocol: number, requests: Buffer, expected: number): Promise<Buffer>;
}

const NETLINK_ROUTE = 0;
/** A new network namespace, as a descriptor the caller closes; without `bindNetns` it ends with the descriptor. */
export function createNetns(): Promise<number> {
  return loadAddon<Face>().createNetns();
}

/** Keeps a namespace at `path`, which must not exist. */
export function bindNetns(fd: number, path: string): Promise<void> {
  return loadAddon<Face>().bindNetns(fd, path);
}

/** Lets go of a namespace kept at `path`; its links go with it when nothing else holds it. Nothing there is no error. */
export function removeNetns(path: string): Promise<void> {
  return loadAddon<Face>().removeNetns(path);
}

/** Sends requests in one call; resolves with the lists that they asked for. Throws the first failure. */
export async function talk(
  requests: readonly NetworkRequest[],
  { netns = -1, protocol = NETLINK_ROUTE }: { netns?: number; protocol?: number } = {},
): Promise<readonly (readonly Buffer[])[]> {
  const bytes = encodeMessages(requests);
  const { netlinkTalk } = loadAddon<Face>();
  const expected = requests.filter(({ isSilent }) => isSilent !== true).length;
  const answers = await netlinkTalk(netns, protocol, bytes, expected);
  return decodeAnswers(answers, requests.length).map(({ errno, reason, bodies }, i) => {
    const request = requests[i];
    if (errno === 0 || request === undefined) return bodies;
    const code = getSystemErrorName(-errno);
    if (request.tolerate?.includes(code)) return bodies;
    const why = reason === '' ? code : `${code} (${reason})`;
    throw new NativeError(`${request.call} ${request.what}: ${why}`, {
      errno,
      code,
      syscall: request.call,
      path: request.what,
    });
  });
}

/**
 * Makes changes in their order, in the namespace of the descriptor `netns` or in our own. All are tried; the first that
 * failed is thrown.
 */
export async function configure(
  requests: readonly NetworkRequest[],
  options: { readonly netns?: number } = {},
): Promise<void> {
  await talk(requests, options);
}

/** The number of the link with the name, in our namespace. @throws NativeError `ENODEV` */
export async function linkIndex(name: string): Promise<number> {
  const [bodies] = await talk([linkRequest(name)]);
  return numberAt(bodies?.[0] ?? Buffer.alloc(8), 4, 4);
}

export interface Link {
  readonly index: number;
  readonly name: string;
}

/** Every link of the namespace of the descriptor `netns`, or of our own. */
export async function listLinks(netns = -1): Promise<readonly Link[]> {
  const [bodies] = await talk([linksRequest()], { netns });
  return (bodies ?? []).map((answer) => {
    const attributes = decodeAttributes(answer, 16);
    return {
      index: numberAt(answer, 4, 4),
      name: attributes.get(IFLA.ifname)?.toString('utf8').replace(/\0+$/, '') ?? '',
    };
  });
}

/** Every IPv4 address of our namespace. */
export async function listAddresses(): Promise<readonly LinkAddress[]> {
  const [bodies] = await talk([addressesRequest()]);
  return (bodies ?? []).map((answer) => {
    const attributes = decodeAttributes(answer, 8);
    const ip = attributes.get(IFA.local) ?? attributes.get(IFA.address) ?? Buffer.alloc(4);
    return { ip: [...ip].join('.'), prefix: answer.readUInt8(1), index: numberAt(answer, 4, 4) };
  });
}

/** The routes that were made with the protocol `NODE_ROUTES`. */
export async function listNodeRoutes(): Promise<readonly Route[]> {
  const [bodies] = await talk([routesRequest()]);
  return (bodies ?? [])
    .filter((answer) => answer.readUInt8(5) === NODE_ROUTES)
    .map((answer) => {
      const attributes = decodeAttributes(answer, 12);
      const address = (type: number) => attributes.get(type)?.join('.');
      const [destination, gateway] = [address(RTA.destination), address(RTA.gateway)];
      const index = attributes.get(RTA.oif);
      return {
        ...(destination === undefined
          ? {}
          : { destination: `${destination}/${answer.readUInt8(1)}` }),
        ...(gateway === undefined ? {} : { gateway }),
        ...(index === undefined ? {} : { index: numberAt(index, 0, 4) }),
      };
    });
}
