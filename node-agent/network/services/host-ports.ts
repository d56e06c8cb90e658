/** The ports of the node that lead to a pod: `hostPort`. Pure. */
import type { Pod } from '#api/resources/types.ts';
import { emptyShare, type Pool, type Protocol, type Share } from './service-plan.ts';

const ended = new Set(['Succeeded', 'Failed']);

/** A pod's share of its node's table; none in the host's network, where the port is the node's own. */
export function hostPortShare(pod: Pod): Share {
  const ip = pod.status?.podIP;
  if (ip === undefined || ip === '' || pod.spec?.hostNetwork === true) return emptyShare;
  if (ended.has(pod.status?.phase ?? '')) return emptyShare;
  const fronts = new Map<string, string>();
  const nodePorts = new Map<string, string>();
  const pools: Pool[] = [];
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  for (const port of containers.flatMap(({ ports = [] }) => ports)) {
    if (port.hostPort === undefined || port.hostPort === 0) continue;
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol;
    const place = port.hostIP ?? '';
    const name = `${pod.metadata.uid}:${place}/${protocol}/${port.hostPort}`;
    const endpoints = [`${ip} ${port.containerPort}`];
    pools.push({ name, kind: 'local', protocol, stickySeconds: 0, endpoints });
    const everywhere = place === '' || place === '0.0.0.0' || place === '::';
    if (everywhere) nodePorts.set(`${protocol} ${port.hostPort}`, name);
    else if (!place.includes(':')) fronts.set(`${place} ${protocol} ${port.hostPort}`, name);
  }
  return { fronts, nodePorts, pools, localIps: pools.length > 0 ? [ip] : [] };
}
