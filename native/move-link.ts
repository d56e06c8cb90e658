/** Links that go from one network namespace to another with what they are: the kernel keeps MAC and MTU, not the addresses. */

import { configure, type Link, listLinks, talk } from './netlink.ts';
import { attribute, decodeAttributes, numberAt, text, u32 } from './netlink-message.ts';
import {
  addressesRequest,
  IFA,
  IFLA,
  link,
  linkHeader,
  type NetworkRequest,
  NLM_F,
  RTM,
  setUp,
} from './netlink-requests.ts';

export interface LinkMove {
  readonly name: string;
  /** Its name there; `%d` in it stands for a number that is free. */
  readonly as: string;
  /** Descriptors of namespaces. */
  readonly from: number;
  readonly to: number;
}

const moveRequest = (index: number, { as, to }: LinkMove): NetworkRequest =>
  link(
    `link ${as}`,
    0,
    linkHeader({ index, up: false }),
    attribute(IFLA.netNsFd, u32(to)),
    attribute(IFLA.ifname, text(as)),
  );

const PERMANENT = 0x80;
/** IFA_F_NODAD, IFA_F_MANAGETEMPADDR, IFA_F_NOPREFIXROUTE: what an address was made with. */
const chosenFlags = 0x302;
const UNIVERSE = 0;

/** The addresses of global scope that somebody gave the link, as requests to give them to another number. */
async function addressesOf(index: number, netns: number) {
  const allFamilies = 0;
  const [bodies] = await talk([addressesRequest(allFamilies)], { netns });
  return (bodies ?? []).flatMap((body) => {
    const attributes = decodeAttributes(body, 8);
    const own = attributes.get(IFA.flags);
    const flags = own === undefined ? body.readUInt8(2) : numberAt(own, 0, 4);
    const isGiven = (flags & PERMANENT) !== 0 && body.readUInt8(3) === UNIVERSE;
    if (numberAt(body, 4, 4) !== index || !isGiven) return [];
    const kept = [IFA.address, IFA.local, IFA.broadcast, IFA.priority].flatMap((type) => {
      const value = attributes.get(type);
      return value === undefined ? [] : [attribute(type, value)];
    });
    const chosen = attribute(IFA.flags, u32(flags & chosenFlags));
    const head = Buffer.of(body.readUInt8(0), body.readUInt8(1), 0, UNIVERSE);
    return [
      (there: number): NetworkRequest => ({
        call: 'RTM_NEWADDR',
        what: `an address of link ${index}`,
        type: RTM.newAddr,
        flags: NLM_F.create | NLM_F.excl,
        body: Buffer.concat([head, u32(there), chosen, ...kept]),
      }),
    ];
  });
}

/**
 * Moves a link with its addresses of global scope, and sets it up. Resolves with what it is there.
 * @throws Error when there is none, or the name is taken; NativeError when the kernel refuses. It is where it was then.
 */
export async function moveLink(move: LinkMove): Promise<Link> {
  const { name, as, from, to } = move;
  const here = (await listLinks(from)).find((each) => each.name === name);
  if (here === undefined) throw new Error(`there is no network device ${name}`);
  const before = new Map((await listLinks(to)).map((each) => [each.index, each.name]));
  if ([...before.values()].includes(as)) throw new Error(`there is a network device ${as} already`);
  const addresses = await addressesOf(here.index, from);
  await configure([moveRequest(here.index, move)], { netns: from });
  const there = (await listLinks(to)).find(({ index }) => !before.has(index));
  if (there === undefined) throw new Error(`network device ${as} is gone`);
  try {
    const given = addresses.map((request) => request(there.index));
    await configure([...given, setUp(there.index)], { netns: to });
  } catch (error) {
    await configure([moveRequest(there.index, { ...move, as: name, to: from })], { netns: to });
    throw error;
  }
  return there;
}
