/** A range of IP addresses, as ServiceCIDRs name them; numbers are BigInt so that both families are one case. */
import { isIP } from 'node:net';

export type Family = 'IPv4' | 'IPv6';

export interface AddressRange {
  readonly family: Family;
  readonly cidr: string;
  /** The network's own address. */
  readonly base: bigint;
  /** How many addresses may be given out: all but the network's and, of IPv4, the broadcast address. */
  readonly size: bigint;
}

const bits = { IPv4: 32, IPv6: 128 } as const;
/** Kubernetes counts no further: nobody has more services. */
const sizeMax = 1n << 64n;

export const familyOf = (address: string): Family | undefined =>
  (({ 4: 'IPv4', 6: 'IPv6' }) as const)[isIP(address) as 4 | 6];

function fromIPv4(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function fromIPv6(address: string): bigint {
  const { 0: plain = '' } = address.split('%');
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const low = dotted === null ? undefined : fromIPv4(dotted[2] ?? '');
  const text =
    low === undefined
      ? plain
      : `${dotted?.[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const gap = Array<string>(tail === undefined ? 0 : 8 - front.length - back.length).fill('0');
  return [...front, ...gap, ...back].reduce(
    (sum, group) => sum * 65_536n + BigInt(`0x${group}`),
    0n,
  );
}

/** The address as a number. The text must be an address. */
export const numberOf = (address: string): bigint =>
  familyOf(address) === 'IPv4' ? fromIPv4(address) : fromIPv6(address);

function toIPv4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
}

/** RFC 5952: the longest run of zeros is left out. */
function toIPv6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const runs = [...groups.join(':').matchAll(/(^|:)0(:0)+(:|$)/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return groups.join(':');
  const text = groups.join(':');
  return `${text.slice(0, longest.index)}::${text.slice(longest.index + longest[0].length)}`;
}

export const addressOf = (number: bigint, family: Family): string =>
  family === 'IPv4' ? toIPv4(number) : toIPv6(number);

/** The one way to write the address: names of IPAddress objects are that. */
export function canonical(address: string): string {
  const family = familyOf(address);
  return family === undefined ? address : addressOf(numberOf(address), family);
}

/** The range of a text like `10.96.0.0/12`; `undefined` if it is none. */
export function parseRange(cidr: string): AddressRange | undefined {
  const [address = '', length = '', ...more] = cidr.split('/');
  const family = familyOf(address);
  const prefix = Number(length);
  if (family === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  if (prefix > bits[family]) return undefined;
  const host = BigInt(bits[family] - prefix);
  const base = (numberOf(address) >> host) << host;
  const all = 1n << host;
  const kept = family === 'IPv4' ? 2n : 1n;
  const size = all > kept ? all - kept : 0n;
  return { family, cidr, base, size: size > sizeMax ? sizeMax : size };
}

/** The n-th address that may be given out, from 0. */
export const nth = ({ base, family }: AddressRange, n: bigint): string =>
  addressOf(base + 1n + n, family);

/** Whether the address is one that may be given out. */
export function contains({ base, size, family }: AddressRange, address: string): boolean {
  if (familyOf(address) !== family) return false;
  const offset = numberOf(address) - base;
  return offset >= 1n && offset <= size;
}

/**
 * From which offset on addresses are given to those who ask for any; those below are left to people who choose one
 * (KEP-3070).
 */
export function dynamicOffset({ size }: AddressRange): bigint {
  if (size <= 16n) return 0n;
  const share = size / 16n;
  return share < 16n ? 16n : share > 256n ? 256n : share;
}
