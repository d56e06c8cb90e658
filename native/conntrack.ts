/** The kernel's connection tracking over netlink: which flows a service carries, and forgetting some of them. */

import { talk } from './netlink.ts';
import { attribute, eachAttribute } from './netlink-message.ts';

const NETLINK_NETFILTER = 12;
const NFNL_SUBSYS_CTNETLINK = 1;
const CT = { get: 1, delete: 2 };
const NLM_F_DUMP = 0x300;
const AF_INET = 2;
const NESTED = 0x8000;
// linux/netfilter/nfnetlink_conntrack.h
const CTA = { original: 1, reply: 2, mark: 8, markMask: 21 };
const TUPLE = { ip: 1, protocol: 2 };
const IP = { source: 1, destination: 2 };
const PROTOCOL = { number: 1, sourcePort: 2, destinationPort: 3 };

/** One direction of a flow. */
export interface FlowEnds {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Flow {
  /** 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
  readonly original: FlowEnds;
  readonly reply: FlowEnds;
  readonly mark: number;
  /** The original direction as the kernel gave it. */
  readonly tuple: Buffer;
}

const header = Buffer.of(AF_INET, 0, 0, 0);

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

const typeOf = (message: number): number => (NFNL_SUBSYS_CTNETLINK << 8) | message;

function readEnds(tuple: Buffer): FlowEnds & { readonly protocol: number } {
  const parts = new Map(eachAttribute(tuple, 0));
  const ip = new Map(eachAttribute(parts.get(TUPLE.ip) ?? Buffer.alloc(0), 0));
  const proto = new Map(eachAttribute(parts.get(TUPLE.protocol) ?? Buffer.alloc(0), 0));
  const address = (bytes: Buffer | undefined) => [...(bytes ?? [])].join('.');
  const port = (bytes: Buffer | undefined) => bytes?.readUInt16BE(0) ?? 0;
  return {
    source: address(ip.get(IP.source)),
    destination: address(ip.get(IP.destination)),
    sourcePort: port(proto.get(PROTOCOL.sourcePort)),
    destinationPort: port(proto.get(PROTOCOL.destinationPort)),
    protocol: proto.get(PROTOCOL.number)?.[0] ?? 0,
  };
}

function readFlow(body: Buffer): Flow | undefined {
  const found = new Map(eachAttribute(body, 4));
  const tuple = found.get(CTA.original);
  const reply = found.get(CTA.reply);
  if (tuple === undefined || reply === undefined) return undefined;
  const { protocol, ...original } = readEnds(tuple);
  const { protocol: _, ...back } = readEnds(reply);
  const mark = found.get(CTA.mark)?.readUInt32BE(0) ?? 0;
  return { protocol, original, reply: back, mark, tuple };
}

/** The IPv4 flows whose mark is `mark` under `mask`; mask 0: all. */
export async function listFlows(mark: number, mask: number): Promise<readonly Flow[]> {
  const request = {
    call: 'IPCTNL_MSG_CT_GET',
    what: `flows with mark 0x${(mark >>> 0).toString(16)}`,
    type: typeOf(CT.get),
    flags: NLM_F_DUMP,
    body: Buffer.concat([
      header,
      attribute(CTA.mark, be32(mark)),
      attribute(CTA.markMask, be32(mask)),
    ]),
  };
  const [bodies = []] = await talk([request], { protocol: NETLINK_NETFILTER });
  return bodies.flatMap((body) => readFlow(body) ?? []);
}

/** Forgets flows: the next packet of each is a first one again. A flow that is gone already is no error. */
export async function deleteFlows(flows: readonly Flow[]): Promise<void> {
  const requests = flows.map(({ tuple, original }) => ({
    call: 'IPCTNL_MSG_CT_DELETE',
    what: `flow to ${original.destination}:${original.destinationPort}`,
    type: typeOf(CT.delete),
    flags: 0,
    body: Buffer.concat([header, attribute(CTA.original | NESTED, tuple)]),
    tolerate: ['ENOENT'],
  }));
  const atOnce = 200;
  for (let i = 0; i < requests.length; i += atOnce) {
    await talk(requests.slice(i, i + atOnce), { protocol: NETLINK_NETFILTER });
  }
}
