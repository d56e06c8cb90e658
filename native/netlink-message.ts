/**
 * Netlink messages as bytes (netlink(7), rtnetlink(7)); every number is in the machine's byte order, which is little-endian
 * wherever Node runs on Linux but s390x.
 *
 *   nlmsghdr: u32 length | u16 type | u16 flags | u32 sequence | u32 port    then the type's own header, then attributes
 *   rtattr:   u16 length | u16 type | value, padded to 4 bytes
 */

import { endianness } from 'node:os';

const little = endianness() === 'LE';
const HEADER = 16;

/** A message without its header. `dump`: it asks for a list. */
export interface Message {
  readonly type: number;
  /** NLM_F_* besides NLM_F_REQUEST and the acknowledgement. */
  readonly flags: number;
  readonly body: Buffer;
  /** The kernel does not answer it: an edge of a batch. */
  readonly isSilent?: boolean;
}

export function u8(value: number): Buffer {
  return Buffer.of(value);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  if (little) bytes.writeUInt16LE(value);
  else bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

/** A string as netlink has it: ending with NUL. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** One attribute; `parts` are its value, or the attributes nested in it. */
export function attribute(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const padding = Buffer.alloc((4 - (value.length % 4)) % 4);
  return Buffer.concat([u16(value.length + 4), u16(type), value, padding]);
}

/** Gives messages their headers; the sequence numbers are their indexes. */
export function encodeMessages(messages: readonly Message[]): Buffer {
  const REQUEST = 0x1;
  const ACK = 0x4;
  return Buffer.concat(
    messages.flatMap(({ type, flags, body, isSilent }, sequence) => [
      Buffer.concat([
        u32(HEADER + body.length),
        u16(type),
        u16(flags | REQUEST | (isSilent === true ? 0 : ACK)),
        u32(sequence),
        u32(0),
      ]),
      body, // bodies are made of padded parts: nothing to align
    ]),
  );
}

/** What the kernel answered to one message. */
export interface Answer {
  /** 0, or why not. */
  errno: number;
  /** The kernel's own words for it, if it has any. */
  reason: string;
  /** The bodies of a list's messages. */
  readonly bodies: Buffer[];
}

function read(bytes: Buffer, at: number, size: 2 | 4): number {
  return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
}

/** The attributes in `bytes` from `start` on, type and value, in their order. */
export function* eachAttribute(bytes: Buffer, start: number): Generator<readonly [number, Buffer]> {
  let at = start;
  while (at + 4 <= bytes.length) {
    const length = read(bytes, at, 2);
    if (length < 4 || at + length > bytes.length) break;
    const NESTED_AND_ORDER = 0xc000;
    const type = read(bytes, at + 2, 2) & ~NESTED_AND_ORDER;
    yield [type, bytes.subarray(at + 4, at + length)];
    at += Math.ceil(length / 4) * 4;
  }
}

/** The same, by type; of several of one type the last. */
export function decodeAttributes(bytes: Buffer, start: number): ReadonlyMap<number, Buffer> {
  return new Map(eachAttribute(bytes, start));
}

/** Reads a number of an own header or an attribute. */
export function numberAt(bytes: Buffer, at: number, size: 2 | 4): number {
  return read(bytes, at, size);
}

/** Sorts what the kernel answered to `count` messages. */
export function decodeAnswers(bytes: Buffer, count: number): readonly Answer[] {
  const answers = Array.from({ length: count }, () => ({
    errno: 0,
    reason: '',
    bodies: [] as Buffer[],
  }));
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const length = read(bytes, at, 4);
    if (length < HEADER || at + length > bytes.length) break;
    const type = read(bytes, at + 4, 2);
    const flags = read(bytes, at + 6, 2);
    const body = bytes.subarray(at + HEADER, at + length);
    const answer = answers[read(bytes, at + 8, 4)];
    if (answer !== undefined) take(answer, type, flags, body);
    at += Math.ceil(length / 4) * 4;
  }
  return answers;
}

function take(answer: Answer, type: number, flags: number, body: Buffer): void {
  const ERROR = 2;
  const DONE = 3;
  if (type !== ERROR && type !== DONE) {
    answer.bodies.push(body);
    return;
  }
  if (body.length < 4) return;
  // A negative errno; 0 is the acknowledgement of a success.
  answer.errno = (2 ** 32 - read(body, 0, 4)) % 2 ** 32;
  const HAS_ATTRIBUTES = 0x200;
  if (type === ERROR && flags & HAS_ATTRIBUTES) {
    const MESSAGE = 1;
    const words = decodeAttributes(body, 4 + HEADER).get(MESSAGE);
    answer.reason = words?.toString('utf8').replace(/\0+$/, '') ?? '';
  }
}
