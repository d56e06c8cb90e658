/**
 * Elements of nftables sets and maps, read and changed over netlink: what changes while a node works. A change is one
 * transaction of the kernel and costs what it holds, however large the sets are. Tables, chains and rules are written by `nft`.
 *
 *   nfgenmsg: u8 family | u8 version | u16 resource (network order)    then attributes (linux/netfilter/nf_tables.h)
 */

import { talk } from './netlink.ts';
import { attribute, eachAttribute, type Message, text, u8, u32 } from './netlink-message.ts';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_NFTABLES = 10;
const BATCH = { begin: 0x10, end: 0x11 };
const NFT_MSG = { newSetElem: 12, getSetElem: 13, delSetElem: 14, getGen: 16 };
const NLM_F = { create: 0x400, dump: 0x300 };
const NFPROTO_IPV4 = 2;
const NESTED = 0x8000;
const LIST = { table: 1, set: 2, elements: 3, element: 1 };
const ELEMENT = { key: 1, data: 2 };
const DATA_VALUE = 1;
const GEN_ID = 1;

/** A set's element, or a map's; the bytes are as the kernel holds them: fields padded to 4 bytes. */
export interface SetElement {
  readonly key: Buffer;
  readonly value?: Buffer;
}

export interface ElementChange {
  readonly set: string;
  readonly op: 'add' | 'delete';
  readonly elements: readonly SetElement[];
}

/** An attribute's length is a u16: so many elements of at most 100 bytes fit in a message. */
const perMessage = 500;

const header = (resource = 0): Buffer => Buffer.of(NFPROTO_IPV4, 0, resource >> 8, resource & 255);

const typeOf = (message: number): number => (NFNL_SUBSYS_NFTABLES << 8) | message;

const held = (type: number, bytes: Buffer): Buffer =>
  attribute(type | NESTED, attribute(DATA_VALUE, bytes));

function elementBytes({ key, value }: SetElement): Buffer {
  const parts = [held(ELEMENT.key, key)];
  if (value !== undefined) parts.push(held(ELEMENT.data, value));
  return attribute(LIST.element | NESTED, ...parts);
}

function changeMessages(table: string, { set, op, elements }: ElementChange): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i < elements.length; i += perMessage) {
    const some = elements.slice(i, i + perMessage);
    messages.push({
      type: typeOf(op === 'add' ? NFT_MSG.newSetElem : NFT_MSG.delSetElem),
      flags: op === 'add' ? NLM_F.create : 0,
      body: Buffer.concat([
        header(),
        attribute(LIST.table, text(table)),
        attribute(LIST.set, text(set)),
        attribute(LIST.elements | NESTED, ...some.map(elementBytes)),
      ]),
    });
  }
  return messages;
}

const batchEdge = (type: number): Message => ({
  type,
  flags: 0,
  body: header(NFNL_SUBSYS_NFTABLES),
  isSilent: true,
});

/**
 * Makes all changes at once or none, in their order, in the IPv4 table. @throws NativeError naming the first set that
 * could not be changed: `ENOENT` when table, set or an element to delete is not there
 */
export async function changeElements(
  table: string,
  changes: readonly ElementChange[],
): Promise<void> {
  const messages = changes.flatMap((change) =>
    changeMessages(table, change).map((message) => ({
      ...message,
      call: change.op === 'add' ? 'NFT_MSG_NEWSETELEM' : 'NFT_MSG_DELSETELEM',
      what: `${table} ${change.set}`,
    })),
  );
  if (messages.length === 0) return;
  const edge = (type: number) => ({ ...batchEdge(type), call: 'NFNL_MSG_BATCH', what: table });
  await talk([edge(BATCH.begin), ...messages, edge(BATCH.end)], { protocol: NETLINK_NETFILTER });
}

function dataOf(bytes: Buffer | undefined): Buffer | undefined {
  if (bytes === undefined) return undefined;
  for (const [type, value] of eachAttribute(bytes, 0)) if (type === DATA_VALUE) return value;
  return undefined;
}

function readElement(bytes: Buffer): SetElement | undefined {
  const found = new Map(eachAttribute(bytes, 0));
  const key = dataOf(found.get(ELEMENT.key));
  const value = dataOf(found.get(ELEMENT.data));
  if (key === undefined) return undefined;
  return value === undefined ? { key } : { key, value };
}

/** Every element of a set of the IPv4 table, in no order. @throws NativeError `ENOENT` when there is no such set */
export async function listElements(table: string, set: string): Promise<readonly SetElement[]> {
  const request = {
    call: 'NFT_MSG_GETSETELEM',
    what: `${table} ${set}`,
    type: typeOf(NFT_MSG.getSetElem),
    flags: NLM_F.dump,
    body: Buffer.concat([
      header(),
      attribute(LIST.table, text(table)),
      attribute(LIST.set, text(set)),
    ]),
  };
  const [bodies = []] = await talk([request], { protocol: NETLINK_NETFILTER });
  return bodies.flatMap((body) =>
    [...eachAttribute(body, 4)]
      .filter(([type]) => type === LIST.elements)
      .flatMap(([, list]) => [...eachAttribute(list, 0)])
      .flatMap(([, bytes]) => readElement(bytes) ?? []),
  );
}

/** Counts the changes that anybody made to any table of our network namespace. */
export async function rulesetGeneration(): Promise<number> {
  const request = {
    call: 'NFT_MSG_GETGEN',
    what: 'nftables',
    type: typeOf(NFT_MSG.getGen),
    flags: 0,
    body: header(),
  };
  const [bodies = []] = await talk([request], { protocol: NETLINK_NETFILTER });
  for (const body of bodies)
    for (const [type, value] of eachAttribute(body, 4))
      if (type === GEN_ID) return value.readUInt32BE(0);
  return 0;
}

/** A number as maps of marks hold it: in the machine's order. */
export const markBytes = (value: number): Buffer => u32(value);

/** A byte on its own, padded. */
export const protocolBytes = (value: number): Buffer => Buffer.concat([u8(value), Buffer.alloc(3)]);
