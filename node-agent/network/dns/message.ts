/**
 * DNS messages as bytes (RFC 1035, EDNS: RFC 6891): one question in, records out.
 *
 *   u16 id | u16 flags | u16 questions | u16 answers | u16 authorities | u16 additionals    then the sections
 */

export const types = {
  a: 1,
  cname: 5,
  soa: 6,
  ptr: 12,
  txt: 16,
  aaaa: 28,
  srv: 33,
  opt: 41,
  any: 255,
};
export const codes = {
  ok: 0,
  formatError: 1,
  serverFailure: 2,
  noName: 3,
  notImplemented: 4,
  refused: 5,
};

const HEADER = 12;
const IN = 1;
const flag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursion: 0x0100,
  canRecurse: 0x0080,
};

export interface Question {
  readonly id: number;
  /** As it was asked: lower and upper case are given back. Labels joined with dots, none at the end. */
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  /** What the client takes over UDP. */
  readonly udpSize: number;
  readonly hasEdns: boolean;
}

export interface Record {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  readonly value: Buffer;
}

export interface Answer {
  readonly code: number;
  readonly answers: readonly Record[];
  readonly authorities?: readonly Record[];
  readonly additionals?: readonly Record[];
}

/** What cannot be read; `id` is for the reply that says so. */
export class MalformedQuery extends Error {
  override readonly name = 'MalformedQuery';
  readonly id: number;
  readonly code: number;

  constructor(message: string, id: number, code: number) {
    super(message);
    this.id = id;
    this.code = code;
  }
}

const labelMax = 63;
const nameMax = 255;

function readName(bytes: Buffer, start: number, id: number): { name: string; next: number } {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (
      length === undefined ||
      length > labelMax ||
      at + length >= bytes.length ||
      at - start > nameMax
    )
      throw new MalformedQuery('the name cannot be read', id, codes.formatError);
    if (length === 0) return { name: labels.join('.'), next: at + 1 };
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** @throws MalformedQuery; undefined for what is no query at all and gets no reply */
export function readQuestion(bytes: Buffer): Question | undefined {
  if (bytes.length < HEADER) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if (flags & flag.response) return undefined;
  if ((flags >> 11) & 15) throw new MalformedQuery('no query', id, codes.notImplemented);
  if (bytes.readUInt16BE(4) !== 1)
    throw new MalformedQuery('not one question', id, codes.formatError);
  const { name, next } = readName(bytes, HEADER, id);
  if (next + 4 > bytes.length) throw new MalformedQuery('cut off', id, codes.formatError);
  if (bytes.readUInt16BE(next + 2) !== IN) throw new MalformedQuery('no IN', id, codes.refused);
  const edns = readEdns(bytes, next + 4);
  return {
    id,
    name,
    type: bytes.readUInt16BE(next),
    recursionDesired: (flags & flag.recursion) !== 0,
    udpSize: Math.max(512, edns ?? 512),
    hasEdns: edns !== undefined,
  };
}

/** The client's UDP size, if the first of the additional records is OPT, as it is in queries. */
function readEdns(bytes: Buffer, at: number): number | undefined {
  const others = bytes.readUInt16BE(6) + bytes.readUInt16BE(8);
  if (others > 0 || bytes.readUInt16BE(10) === 0 || at + 11 > bytes.length) return undefined;
  if (bytes[at] !== 0 || bytes.readUInt16BE(at + 1) !== types.opt) return undefined;
  return bytes.readUInt16BE(at + 3);
}

/** A name as the wire has it; a label that is too long is cut. */
export function nameBytes(name: string): Buffer {
  if (name === '') return Buffer.of(0);
  const labels = name.split('.').map((label) => {
    const text = Buffer.from(label, 'latin1').subarray(0, labelMax);
    return Buffer.concat([Buffer.of(text.length), text]);
  });
  return Buffer.concat([...labels, Buffer.of(0)]);
}

export const addressBytes = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));

export function serviceBytes(port: number, target: string): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(100, 2); // the weight; the priority is 0
  head.writeUInt16BE(port, 4);
  return Buffer.concat([head, nameBytes(target)]);
}

/** Names that were written already are pointed to: most answers repeat the question's. */
function recordBytes({ name, type, ttl, value }: Record, question: string): Buffer {
  const same = name.toLowerCase() === question.toLowerCase();
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(IN, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(value.length, 8);
  return Buffer.concat([same ? Buffer.of(0xc0, HEADER) : nameBytes(name), head, value]);
}

/** RFC 9715's size: what passes everywhere in one piece. */
const ednsSize = 1232;
const optRecord = Buffer.from([0, 0, types.opt, ednsSize >> 8, ednsSize & 255, 0, 0, 0, 0, 0, 0]);

function headerBytes(flags: number, id: number, counts: readonly number[]): Buffer {
  const header = Buffer.alloc(HEADER);
  for (const [i, value] of [id, flags, ...counts].entries()) header.writeUInt16BE(value, i * 2);
  return header;
}

/** The reply. Over UDP what does not fit is left out, and the client is told to come again over TCP. */
export function writeReply(question: Question, answer: Answer, transport: 'udp' | 'tcp'): Buffer {
  const { id, name, type, recursionDesired, hasEdns } = question;
  const limit = transport === 'tcp' ? 65_535 : Math.min(question.udpSize, 4096);
  const asked = Buffer.concat([nameBytes(name), Buffer.from([type >> 8, type & 255, 0, IN])]);
  const bytes = (records: readonly Record[] = []) => records.map((one) => recordBytes(one, name));
  const [answers, authorities] = [bytes(answer.answers), bytes(answer.authorities)];
  const additionals = bytes(answer.additionals);
  const opt = hasEdns ? [optRecord] : [];
  const sizeOf = (parts: readonly Buffer[]) => parts.reduce((sum, part) => sum + part.length, 0);
  const fixed = HEADER + asked.length + sizeOf(opt);
  if (fixed + sizeOf([...answers, ...authorities, ...additionals]) > limit) additionals.length = 0;
  const isCut = fixed + sizeOf([...answers, ...authorities]) > limit;
  if (isCut) {
    authorities.length = 0;
    while (fixed + sizeOf(answers) > limit) answers.pop();
  }
  const flags =
    flag.response |
    flag.authoritative |
    flag.canRecurse |
    (isCut ? flag.truncated : 0) |
    (recursionDesired ? flag.recursion : 0) |
    answer.code;
  const counts = [1, answers.length, authorities.length, additionals.length + opt.length];
  return Buffer.concat([
    headerBytes(flags, id, counts),
    asked,
    ...answers,
    ...authorities,
    ...additionals,
    ...opt,
  ]);
}

/** A reply without the question, for what could not be read. */
export function writeFailure(id: number, code: number): Buffer {
  return headerBytes(flag.response | flag.canRecurse | code, id, [0, 0, 0, 0]);
}

/** The records of an upstream's reply that answer a question: names are read through pointers. */
export function readAnswers(bytes: Buffer): Record[] {
  const records: Record[] = [];
  let at = HEADER;
  for (let i = bytes.readUInt16BE(4); i > 0; i--) at = skipName(bytes, at) + 4;
  for (let i = bytes.readUInt16BE(6); i > 0 && at + 10 < bytes.length; i--) {
    const name = followName(bytes, at);
    at = skipName(bytes, at);
    const [type, ttl] = [bytes.readUInt16BE(at), bytes.readUInt32BE(at + 4)];
    const end = at + 10 + bytes.readUInt16BE(at + 8);
    const isName = type === types.cname;
    const value = isName ? nameBytes(followName(bytes, at + 10)) : bytes.subarray(at + 10, end);
    records.push({ name, type, ttl, value });
    at = end;
  }
  return records;
}

function skipName(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}

function followName(bytes: Buffer, start: number): string {
  const labels: string[] = [];
  let at = start;
  for (let steps = 0; steps < 128; steps++) {
    const length = bytes.readUInt8(at);
    if (length === 0) break;
    if (length >= 0xc0) at = ((length & 0x3f) << 8) | bytes.readUInt8(at + 1);
    else {
      labels.push(bytes.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
  }
  return labels.join('.');
}
