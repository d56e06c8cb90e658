/** Which part of the pods' range a node gets. Pure. */

const octets = (cidr: string): number[] => (cidr.split('/')[0] ?? '').split('.').map(Number);

/** The first /24 of the /16 that no node has; `undefined`: all 256 are taken. */
export function freeCidr(clusterCidr: string, taken: ReadonlySet<string>): string | undefined {
  const [first, second] = octets(clusterCidr);
  for (let third = 0; third < 256; third++) {
    const cidr = `${first}.${second}.${third}.0/24`;
    if (!taken.has(cidr)) return cidr;
  }
  return undefined;
}
