/** Which part of the pods' range a node gets. Pure. */

/** The range as its first address and the number of its /24 parts: one, if it is no larger. */
function partsOf(clusterCidr: string): {
  readonly octets: readonly number[];
  readonly count: number;
} {
  const [address = '', prefix = ''] = clusterCidr.split('/');
  return { octets: address.split('.').map(Number), count: 2 ** Math.max(0, 24 - Number(prefix)) };
}

/** How many nodes have room in the range. */
export const roomIn = (clusterCidr: string): number => partsOf(clusterCidr).count;

/** The first /24 of the range that no node has; `undefined`: all are taken. */
export function freeCidr(clusterCidr: string, taken: ReadonlySet<string>): string | undefined {
  const { octets, count } = partsOf(clusterCidr);
  const [first = 0, second = 0, third = 0] = octets;
  for (let part = 0; part < count; part++) {
    const low = third + part;
    const cidr = `${first}.${second + Math.floor(low / 256)}.${low % 256}.0/24`;
    if (!taken.has(cidr)) return cidr;
  }
  return undefined;
}
