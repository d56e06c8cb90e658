/**
 * From where a Service's balanced addresses may be reached: `loadBalancerSourceRanges`. As with kube-proxy it concerns the
 * addresses of `status.loadBalancer` alone, neither `externalIPs` nor node ports. Pure.
 */
import type { Service } from '#api/resources/types.ts';
import { networkOf, offsetIn } from '../cidr.ts';

/** Who may come to a Service's balanced addresses; all others are dropped. */
export interface Guard {
  readonly name: string;
  /** `ip protocol port`. */
  readonly fronts: readonly string[];
  /** `prefix network`: each prefix is looked up by itself, so that networks may overlap. */
  readonly sources: readonly string[];
}

/**
 * The guard before `fronts`, the Service's places at its balanced `addresses`; undefined: whoever comes may. Where a node may
 * come, it may also do so by the balanced address itself, which a balancer may have put on it.
 */
export function guardOf(
  { metadata, spec }: Service,
  balanced: { readonly addresses: readonly string[]; readonly fronts: readonly string[] },
  nodeAddresses: readonly string[],
): Guard | undefined {
  const ranges = (spec?.loadBalancerSourceRanges ?? []).flatMap(
    (text) => networkOf(text.trim()) ?? [],
  );
  const isOpen = ranges.length === 0 || ranges.some(({ prefix }) => prefix === 0);
  if (isOpen || balanced.fronts.length === 0) return undefined;
  const hasNode = ranges.some((range) =>
    nodeAddresses.some((address) => offsetIn(range, address) !== undefined),
  );
  const own = hasNode ? balanced.addresses.map((address) => `32 ${address}`) : [];
  const networks = ranges.map(({ text, prefix }) => `${prefix} ${text.split('/')[0]}`);
  return {
    name: `${metadata.namespace}/${metadata.name}/sources`,
    fronts: balanced.fronts,
    sources: [...new Set([...networks, ...own])].sort(),
  };
}
