/** What a Container's Pod has around it: names, namespaces and its node. Pure. */
import type { PodSpec } from '#api/resources/types.ts';
import { defined } from '#controller/runtime/write.ts';
import type { Sharing } from './sharing.ts';
import type { Container, ContainerSpec } from './types.ts';

/** Who is known by name inside. */
export function names({ extraHosts, dns }: ContainerSpec): Partial<PodSpec> {
  const { servers, searches, options } = dns ?? {};
  const dnsOptions = options?.map((option) => {
    const [name = '', value] = option.split(':');
    return value === undefined ? { name } : { name, value };
  });
  return defined({
    hostAliases: extraHosts?.map(({ ip, hostnames }) => ({ ip, hostnames: [...hostnames] })),
    dnsPolicy: servers === undefined || servers.length === 0 ? undefined : 'None',
    dnsConfig:
      dns === undefined
        ? undefined
        : defined({
            nameservers: servers && [...servers],
            searches: searches && [...searches],
            options: dnsOptions,
          }),
  });
}

/** Docker's modes that a Pod has fields for; the others are in `settings.ts`. */
export function namespaces({ network, pid, ipc, userns }: ContainerSpec): Partial<PodSpec> {
  return defined({
    hostNetwork: network === 'host' ? true : undefined,
    hostPID: pid === 'host' ? true : undefined,
    hostIPC: ipc === 'host' ? true : undefined,
    hostUsers: userns === 'private' ? false : undefined,
  });
}

/** Its files are on the node where it ran: it runs there again. What it shares is where it is. */
export function place(
  { status }: Container,
  sharing: Sharing | undefined,
): Pick<PodSpec, 'affinity'> {
  const nodes = new Set([status?.node ?? '', sharing?.node ?? ''].filter((name) => name !== ''));
  if (nodes.size === 0) return {};
  const here = [...nodes].map((name) => ({
    key: 'metadata.name',
    operator: 'In',
    values: [name],
  }));
  const required = { nodeSelectorTerms: [{ matchFields: here }] };
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
  };
}
