/** The sets and maps of the table and their elements, as text (`10.96.0.1 tcp 443`) and as the kernel's bytes. Pure. */
import { markBytes, protocolBytes, type SetElement } from '#native/nftables.ts';
import type { Protocol } from './service-plan.ts';

type Field = 'address' | 'protocol' | 'port' | 'mark';

interface Shape {
  readonly key: readonly Field[];
  readonly value?: readonly Field[];
}

const shapes = {
  /** Where services are reached → the pool. */
  fronts: { key: ['address', 'protocol', 'port'], value: ['mark'] },
  /** Fronts that not everybody may come to → whose sources are allowed. */
  guards: { key: ['address', 'protocol', 'port'], value: ['mark'] },
  /** Whose, prefix, network. */
  sources: { key: ['mark', 'mark', 'address'] },
  /** Ports of every address of the node → the pool. */
  nodeports: { key: ['protocol', 'port'], value: ['mark'] },
  /** Pool of this node's endpoints → pool that pods and the node itself are led to in its place. */
  inner: { key: ['mark'], value: ['mark'] },
  /** Pool → how many slots it has, or for how long clients stay (rules.ts, `stickySize`). */
  sizes: { key: ['mark'], value: ['mark'] },
  /** Pool and slot → endpoint. */
  endpoints: { key: ['mark', 'mark'], value: ['address', 'port'] },
  /** Pool and slot → what its endpoint is remembered by; of pools where clients stay. */
  ids: { key: ['mark', 'mark'], value: ['mark'] },
  /** Pods of this node that are endpoints, paired with themselves. */
  itself: { key: ['address', 'address'] },
  /** Of network policies: who may, and which port a name is of whom. */
  peers: { key: ['address'] },
  ports: { key: ['address', 'protocol', 'port'] },
} satisfies Record<string, Shape>;

export type SetName = keyof typeof shapes;
/** In the order in which they are filled: what is looked up last comes first. */
export const setNames: readonly SetName[] = [
  'endpoints',
  'ids',
  'sizes',
  'inner',
  'itself',
  'sources',
  'guards',
  'fronts',
  'nodeports',
];

const numbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

function fieldBytes(field: Field, text: string): Buffer {
  switch (field) {
    case 'address':
      return Buffer.from(text.split('.').map(Number));
    case 'protocol':
      return protocolBytes(numbers[text as Protocol]);
    case 'port':
      return Buffer.of(Number(text) >> 8, Number(text) & 255, 0, 0);
    case 'mark':
      return markBytes(Number(text));
  }
}

const littleEndian = markBytes(1)[0] === 1;

function fieldText(field: Field, bytes: Buffer): string {
  switch (field) {
    case 'address':
      return [...bytes].join('.');
    case 'protocol':
      return names.get(bytes[0] ?? 0) ?? String(bytes[0]);
    case 'port':
      return String(bytes.readUInt16BE(0));
    case 'mark':
      return String(littleEndian ? bytes.readUInt32LE(0) : bytes.readUInt32BE(0));
  }
}

function bytesOf(fields: readonly Field[], text: string): Buffer {
  const parts = text.split(' ');
  return Buffer.concat(fields.map((field, i) => fieldBytes(field, parts[i] ?? '')));
}

function textOf(fields: readonly Field[], bytes: Buffer): string {
  return fields.map((field, i) => fieldText(field, padded(bytes, i))).join(' ');
}

/** The kernel leaves out what pads a value's last field. */
function padded(bytes: Buffer, index: number): Buffer {
  const field = bytes.subarray(index * 4, index * 4 + 4);
  return field.length === 4 ? field : Buffer.concat([field, Buffer.alloc(4 - field.length)]);
}

/** `value`: absent for a set's element. */
export function encodeElement(set: SetName, key: string, value?: string): SetElement {
  const shape: Shape = shapes[set];
  const bytes = bytesOf(shape.key, key);
  if (shape.value === undefined || value === undefined) return { key: bytes };
  return { key: bytes, value: bytesOf(shape.value, value) };
}

/** Key and value; a set's elements have the value ''. */
export function decodeElement(set: SetName, element: SetElement): readonly [string, string] {
  const shape: Shape = shapes[set];
  const key = textOf(shape.key, element.key);
  if (shape.value === undefined || element.value === undefined) return [key, ''];
  return [key, textOf(shape.value, element.value)];
}
