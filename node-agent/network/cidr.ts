/** IPv4 networks as numbers. */

export interface Cidr {
  readonly text: string;
  /** The network address. */
  readonly base: number;
  readonly prefix: number;
  /** Number of addresses, with the network's own and the broadcast one. */
  readonly size: number;
}

function number(ip: string): number | undefined {
  const parts = ip.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Any IPv4 network; undefined: the text is none. */
export function networkOf(text: string): Cidr | undefined {
  const [ip = '', prefixText = '', ...more] = text.split('/');
  const address = number(ip);
  const prefix = /^\d{1,2}$/.test(prefixText) ? Number(prefixText) : 33;
  if (address === undefined || prefix > 32 || more.length > 0) return undefined;
  const size = 2 ** (32 - prefix);
  const base = address - (address % size);
  return { text: `${ipText(base)}/${prefix}`, base, prefix, size };
}

/** `10.244.0.0/24`; from /16 to /30. @throws Error */
export function parseCidr(text: string): Cidr {
  const network = networkOf(text);
  if (network !== undefined && network.prefix >= 16 && network.prefix <= 30) return network;
  throw new Error(
    `read the pod CIDR '${text}': write an IPv4 network from /16 to /30, as 10.244.0.0/24`,
  );
}

export function ipText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** The place of `ip` in the network; absent when it is not in it. */
export function offsetIn(cidr: Cidr, ip: string): number | undefined {
  const address = number(ip);
  if (address === undefined || address < cidr.base || address >= cidr.base + cidr.size)
    return undefined;
  return address - cidr.base;
}

/** Made of the address, so that who still remembers an earlier owner's is right all the same; `0a:58` as CNI's bridge has it. */
export function macOf(ip: string): string {
  const hex = ip.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['0a', '58', ...hex].join(':');
}
