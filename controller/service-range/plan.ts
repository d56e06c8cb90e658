/** Ranges of cluster addresses: which may go. Pure. */
import { BlockList } from 'node:net';
import type { IpAddress, ServiceCidr } from '#api/resources/types.ts';

export const finalizer = 'networking.k8s.io/service-cidr-finalizer';

const familyOf = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

function blocksOf(ranges: readonly ServiceCidr[]): BlockList {
  const blocks = new BlockList();
  for (const cidr of ranges.flatMap(({ spec }) => spec?.cidrs ?? [])) {
    const [address = '', bits = ''] = cidr.split('/');
    blocks.addSubnet(address, Number(bits), familyOf(address));
  }
  return blocks;
}

/** Whether an address is taken from this range that no other one has which stays. */
export function isNeeded(
  range: ServiceCidr,
  others: readonly ServiceCidr[],
  addresses: readonly IpAddress[],
): boolean {
  const own = blocksOf([range]);
  const staying = blocksOf(others.filter((one) => one.metadata.deletionTimestamp === undefined));
  return addresses.some(({ metadata: { name } }) => {
    const family = familyOf(name);
    return own.check(name, family) && !staying.check(name, family);
  });
}

export interface Readiness {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** In Kubernetes' words. */
export const readinessOf = (isLeaving: boolean): Readiness =>
  isLeaving
    ? {
        status: 'False',
        reason: 'Terminating',
        message:
          'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
      }
    : { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
