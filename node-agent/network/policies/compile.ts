/**
 * NetworkPolicies as nftables: a chain a policy and direction, named sets for what pods decide (who may, which port a name is),
 * and for each pod what it is in. Pure. A policy is compiled when it changes; a pod's change costs one look at each policy.
 */
import { createHash } from 'node:crypto';
import { labelSelectorOf, matchesLabels } from '#api/resources/selector.ts';
import type { LabelSelector, NetworkPolicy } from '#api/resources/types.ts';

export type Direction = 'ingress' | 'egress';

/** What of a pod counts. */
export interface PodPlace {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  /** Its ports that have names. */
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly port: number;
  }[];
}

export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>>;

/** A set that pods are in: `ip`, or `ip protocol port` where `port` names one. */
export interface PodSet {
  readonly name: string;
  readonly holds: 'address' | 'port';
  elementsOf(pod: PodPlace, namespaceLabels: NamespaceLabels): readonly string[];
}

export interface CompiledPolicy {
  readonly key: string;
  selects(pod: PodPlace, direction: Direction): boolean;
  /** By direction, if the policy has it: the chain's name and rules. */
  readonly chains: ReadonlyMap<
    Direction,
    { readonly name: string; readonly rules: readonly string[] }
  >;
  readonly sets: readonly PodSet[];
}

type Spec = NonNullable<NetworkPolicy['spec']>;
type Peer = NonNullable<NonNullable<Spec['ingress']>[number]['_from']>[number];
type Port = NonNullable<NonNullable<Spec['ingress']>[number]['ports']>[number];
/** On the wire `from` is `from`; client-node's model calls it `_from`. */
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly Port[];
}

/** Nothing else gets into the text of a rule. */
const network = /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/;

type Matcher = (labels: Readonly<Record<string, string>>) => boolean;

function matcher(selector: LabelSelector = {}): Matcher {
  const requirements = labelSelectorOf(selector);
  return (labels) => matchesLabels(requirements, labels);
}

const protocols = ['tcp', 'udp', 'sctp'] as const;

const short = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 10);

function directionsOf(spec: Spec): Direction[] {
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress === undefined ? [] : ['Egress'])];
  return (['ingress', 'egress'] as const).filter((direction) =>
    types.some((type) => type.toLowerCase() === direction),
  );
}

export function compilePolicy({ metadata, spec }: NetworkPolicy): CompiledPolicy {
  const { namespace = '', name } = metadata;
  const directions = spec === undefined ? [] : directionsOf(spec);
  const id = short(`${namespace}/${name}`);
  const sets: PodSet[] = [];
  const chains = new Map<Direction, { name: string; rules: readonly string[] }>();
  for (const direction of directions) {
    const rules = (spec?.[direction] ?? []) as readonly Rule[];
    const lines = rules.flatMap((rule, i) => {
      const where = { namespace, direction, prefix: `p-${id}-${direction}-${i}`, sets };
      const peers = peerMatches((direction === 'ingress' ? rule.from : rule.to) ?? [], where);
      const ports = portMatches(rule.ports ?? [], where);
      return peers.flatMap((peer) => ports.map((port) => `${peer} ${port} accept`.trim()));
    });
    chains.set(direction, { name: `${direction}-${id}`, rules: lines });
  }
  const isSelected = matcher(spec?.podSelector);
  return {
    key: `${namespace}/${name}`,
    selects: (pod, direction) =>
      chains.has(direction) && pod.namespace === namespace && isSelected(pod.labels),
    chains,
    sets,
  };
}

interface Where {
  readonly namespace: string;
  readonly direction: Direction;
  readonly prefix: string;
  readonly sets: PodSet[];
}

/** What the other side must be, each as a match; `''`: anything. */
function peerMatches(
  peers: readonly Peer[],
  { namespace, direction, prefix, sets }: Where,
): string[] {
  if (peers.length === 0) return [''];
  const side = direction === 'ingress' ? 'saddr' : 'daddr';
  const blocks = peers.flatMap(({ ipBlock }) => {
    if (ipBlock === undefined || !network.test(ipBlock.cidr)) return [];
    const except = (ipBlock.except ?? []).filter((cidr) => network.test(cidr));
    const but = except.length === 0 ? '' : ` ip ${side} != { ${except.join(', ')} }`;
    return [`ip ${side} ${ipBlock.cidr}${but}`];
  });
  const selecting = peers.filter(({ ipBlock }) => ipBlock === undefined);
  if (selecting.length === 0) return blocks;
  const set = `${prefix}-pods`;
  const matchers = selecting.map(({ podSelector, namespaceSelector }) => ({
    pods: matcher(podSelector),
    namespaces: namespaceSelector === undefined ? undefined : matcher(namespaceSelector),
  }));
  const isPeer = (pod: PodPlace, labelsOf: NamespaceLabels): boolean =>
    matchers.some(({ pods, namespaces }) => {
      const isThere = namespaces?.(labelsOf(pod.namespace)) ?? pod.namespace === namespace;
      return isThere && pods(pod.labels);
    });
  sets.push({
    name: set,
    holds: 'address',
    elementsOf: (pod, labelsOf) => (isPeer(pod, labelsOf) ? [pod.ip] : []),
  });
  return [`ip ${side} @${set}`, ...blocks];
}

/** Which ports, each as a match; `''`: all. */
function portMatches(ports: readonly Port[], { prefix, sets }: Where): string[] {
  if (ports.length === 0) return [''];
  const protocol = (port: Port) =>
    protocols.find((name) => name === port.protocol?.toLowerCase()) ?? 'tcp';
  const whole = ports
    .filter(({ port }) => port === undefined)
    .map((one) => `meta l4proto ${protocol(one)}`);
  const numbers = ports.flatMap((one) => {
    if (typeof one.port !== 'number') return [];
    const { endPort = one.port } = one;
    return [`${protocol(one)} . ${one.port}${endPort > one.port ? `-${endPort}` : ''}`];
  });
  const numeric = [...new Set(numbers)].map((text) => {
    const [proto = '', port = ''] = text.split(' . ');
    return `${proto} dport ${port}`;
  });
  const named = ports.filter(({ port }) => typeof port === 'string');
  if (named.length === 0) return [...whole, ...numeric];
  const set = `${prefix}-ports`;
  sets.push({
    name: set,
    holds: 'port',
    elementsOf: (pod) =>
      pod.ports
        .filter((own) =>
          named.some((one) => one.port === own.name && protocol(one) === own.protocol),
        )
        .map((own) => `${pod.ip} ${own.protocol} ${own.port}`),
  });
  return [...whole, ...numeric, `ip daddr . meta l4proto . th dport @${set}`];
}
