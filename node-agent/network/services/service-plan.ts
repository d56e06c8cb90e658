/**
 * What a Service is on this node: at which addresses it is reached (fronts), and which endpoints each of them leads to
 * (pools). Pure. The rules are those of Kubernetes' Service and EndpointSlice (`pkg/proxy`).
 */
import type { EndpointSlice, Service } from '#api/resources/types.ts';
import type { HealthCheck } from './health-checks.ts';
import { type NodePlace, nearest } from './near.ts';
import { type Guard, guardOf } from './sources.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/**
 * `internal`: for clients of the cluster, who are seen by the endpoint. `external`: for everybody, behind the node's own
 * address, because an endpoint may be on another node. `local`: endpoints of this node alone, who see the client.
 */
export type PoolKind = 'internal' | 'external' | 'local';

/** Endpoints that requests are spread over. */
export interface Pool {
  readonly name: string;
  readonly kind: PoolKind;
  readonly protocol: Protocol;
  /** For so long after its last connection a client comes to the same endpoint; 0: it comes to any. */
  readonly stickySeconds: number;
  /** `ip port`, sorted, none twice. */
  readonly endpoints: readonly string[];
  /** Of a `local` one: the pool that pods and the node itself are led to in its place. */
  readonly inner?: string;
}

/** What one object (a Service, a pod with host ports) puts into the table. */
export interface Share {
  /** `ip protocol port` → pool's name. */
  readonly fronts: ReadonlyMap<string, string>;
  /** `protocol port`, at every address of the node → pool's name. */
  readonly nodePorts: ReadonlyMap<string, string>;
  readonly pools: readonly Pool[];
  /** Endpoints of this node: one that reaches itself through a Service must see another's address. */
  readonly localIps: readonly string[];
  /** Who may come to some of the fronts. */
  readonly guard?: Guard | undefined;
  /** What balancers ask whether this node has endpoints. */
  readonly health?: HealthCheck | undefined;
}

export const emptyShare: Share = {
  fronts: new Map(),
  nodePorts: new Map(),
  pools: [],
  localIps: [],
};

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];
type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

interface Candidate {
  readonly ip: string;
  readonly port: number;
  readonly isReady: boolean;
  /** Not ready because it is ending, but it still answers. */
  readonly isLeaving: boolean;
  readonly isLocal: boolean;
  readonly hints: Endpoint['hints'];
}

const isV4 = (ip: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(ip);

/** Whether another proxy cares for the Service, or none has to. */
function isForUs({ metadata, spec }: Service): boolean {
  const labels = metadata.labels ?? {};
  if ('service.kubernetes.io/service-proxy-name' in labels) return false;
  if (spec === undefined || spec.type === 'ExternalName') return false;
  return spec.clusterIP !== undefined && spec.clusterIP !== 'None' && spec.clusterIP !== '';
}

function protocolOf(text: string | undefined): Protocol {
  const lower = (text ?? 'TCP').toLowerCase();
  return lower === 'udp' || lower === 'sctp' ? lower : 'tcp';
}

function candidate(endpoint: Endpoint, port: number, nodeName: string): readonly Candidate[] {
  const [ip] = endpoint.addresses;
  if (ip === undefined || !isV4(ip)) return [];
  const { ready = true, serving = ready, terminating = false } = endpoint.conditions ?? {};
  const isLocal = endpoint.nodeName === nodeName;
  const { hints } = endpoint;
  return [{ ip, port, isReady: ready, isLeaving: serving && terminating, isLocal, hints }];
}

/** The slices' endpoints for a port of the Service. */
function candidates(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  nodeName: string,
): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue;
    const target = slice.ports?.find(
      ({ name = '', protocol }) =>
        name === (port.name ?? '') && protocolOf(protocol) === protocolOf(port.protocol),
    )?.port;
    if (target === undefined) continue;
    for (const endpoint of slice.endpoints ?? [])
      for (const one of candidate(endpoint, target, nodeName)) {
        const before = found.get(one.ip);
        // While an endpoint moves from slice to slice it may be in two: the better one counts.
        if (before === undefined || (one.isReady && !before.isReady)) found.set(one.ip, one);
      }
  }
  return [...found.values()];
}

/** Those that are ready, of them the nearest; if there is none, those that end but still answer. */
function usable(all: readonly Candidate[], place?: NodePlace): readonly Candidate[] {
  const ready = all.filter(({ isReady }) => isReady);
  if (ready.length === 0) return all.filter(({ isLeaving }) => isLeaving);
  return place === undefined ? ready : nearest(ready, place);
}

const texts = (all: readonly Candidate[]): string[] =>
  [...new Set(all.map(({ ip, port }) => `${ip} ${port}`))].sort();

/** Addresses that a balancer gave the Service and leads here; one that asks a node port has none of ours. */
function balancedIps({ spec, status }: Service): string[] {
  const given = spec?.type === 'LoadBalancer' ? (status?.loadBalancer?.ingress ?? []) : [];
  const virtual = given.filter(({ ipMode = 'VIP' }) => ipMode === 'VIP');
  return virtual.flatMap(({ ip }) => ip ?? []).filter(isV4);
}

/** Addresses at which clients outside the cluster come in. */
const externalIps = (service: Service): string[] => [
  ...(service.spec?.externalIPs ?? []).filter(isV4),
  ...balancedIps(service),
];

/** Three hours, unless the Service says how long. */
function stickySecondsOf({ spec }: Service): number {
  if (spec?.sessionAffinity !== 'ClientIP') return 0;
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800;
}

interface Draft {
  readonly fronts: Map<string, string>;
  readonly nodePorts: Map<string, string>;
  readonly pools: Pool[];
  readonly localIps: Set<string>;
}

const frontOf = (ip: string, port: ServicePort): string =>
  `${ip} ${protocolOf(port.protocol)} ${port.port}`;

interface PortOf {
  readonly service: Service;
  readonly port: ServicePort;
  readonly place: NodePlace;
}

function addPort(draft: Draft, { service, port, place }: PortOf, all: readonly Candidate[]): void {
  const { spec, metadata } = service;
  const protocol = protocolOf(port.protocol);
  const base = `${metadata.namespace}/${metadata.name}:${port.name ?? ''}/${protocol}/${port.port}`;
  const local = usable(all.filter(({ isLocal }) => isLocal));
  const everywhere = usable(all, place);
  const stickySeconds = stickySecondsOf(service);
  const pool = (
    kind: PoolKind,
    name: string,
    endpoints: readonly Candidate[],
    more: Pick<Pool, 'inner'> = {},
  ): string => {
    draft.pools.push({ name, kind, protocol, stickySeconds, endpoints: texts(endpoints), ...more });
    for (const { ip, isLocal } of endpoints) if (isLocal) draft.localIps.add(ip);
    return name;
  };
  const isInside = spec?.internalTrafficPolicy === 'Local';
  const inside = pool('internal', `${base}/internal`, isInside ? local : everywhere);
  for (const ip of (spec?.clusterIPs ?? [spec?.clusterIP ?? '']).filter(isV4)) {
    draft.fronts.set(frontOf(ip, port), inside);
  }
  const nodePort = spec?.type === 'ClusterIP' ? undefined : port.nodePort;
  const external = externalIps(service);
  if (nodePort === undefined && external.length === 0) return;
  const whole = () => (isInside ? pool('internal', `${base}/inner`, everywhere) : inside);
  const outside =
    spec?.externalTrafficPolicy === 'Local'
      ? pool('local', `${base}/local`, local, { inner: whole() })
      : pool('external', `${base}/external`, everywhere);
  for (const ip of external) draft.fronts.set(frontOf(ip, port), outside);
  if (nodePort !== undefined && nodePort !== 0)
    draft.nodePorts.set(`${protocol} ${nodePort}`, outside);
}

/** What answers at the port that a balancer asks; only Services that lead to endpoints of their own node have one. */
function healthOf(
  { metadata, spec }: Service,
  all: readonly (readonly Candidate[])[],
): HealthCheck | undefined {
  const port = spec?.healthCheckNodePort ?? 0;
  const isAsked = spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
  if (port === 0 || !isAsked) return undefined;
  const ready = all.flat().filter(({ isLocal, isReady }) => isLocal && isReady);
  const { namespace = '', name } = metadata;
  return { namespace, name, port, localEndpoints: new Set(ready.map(({ ip }) => ip)).size };
}

/** The Service's share of this node's table, from the slices that are labelled with its name. */
export function serviceShare(
  service: Service,
  slices: readonly EndpointSlice[],
  place: NodePlace,
): Share {
  if (!isForUs(service)) return emptyShare;
  const draft: Draft = {
    fronts: new Map(),
    nodePorts: new Map(),
    pools: [],
    localIps: new Set(),
  };
  const ports = service.spec?.ports ?? [];
  const all = ports.map((port) => candidates(port, slices, place.nodeName));
  for (const [i, port] of ports.entries()) addPort(draft, { service, port, place }, all[i] ?? []);
  const addresses = balancedIps(service);
  const fronts = addresses.flatMap((ip) => ports.map((port) => frontOf(ip, port)));
  return {
    ...draft,
    localIps: [...draft.localIps],
    guard: guardOf(service, { addresses, fronts }, place.addresses),
    health: healthOf(service, all),
  };
}
