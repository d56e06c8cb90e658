/** Namespaces that a Container shares with another one: `network: container:db`, as Docker has it. Pure. */
import type { Pod, PodSpec } from '#api/resources/types.ts';
import { defined } from '#controller/runtime/write.ts';
import type { Container, ContainerSpec } from './types.ts';

const kinds = ['network', 'ipc', 'pid'] as const;
type Kind = (typeof kinds)[number];

/** Whose namespaces a Pod's container has: UIDs of Pods on the same node. */
export type Joined = Readonly<Partial<Record<Kind, string>>>;

/** A Container that is named, with its Pod, as far as they are there. */
export interface Peer {
  readonly container: Container | undefined;
  readonly pod: Pod | undefined;
}

/** All that a new Pod has of others. */
export interface Sharing {
  readonly joined: Joined;
  /** Where they run. */
  readonly node: string;
  /** Host namespaces that come with them, and the host name of whose network it is. */
  readonly fields: Partial<PodSpec>;
}

const prefix = 'container:';

/** By kind the name of the Container in the same (Kubernetes) namespace whose it is. */
function sharedWith(spec: ContainerSpec): [Kind, string][] {
  return kinds.flatMap((kind) => {
    const mode = spec[kind];
    return mode?.startsWith(prefix) === true ? [[kind, mode.slice(prefix.length)] as const] : [];
  }) as [Kind, string][];
}

/** Keys of the Containers that a Container names. */
export function peerKeys({ metadata, spec }: Container): string[] {
  const { namespace } = metadata;
  const key = (name: string) => (namespace === undefined ? name : `${namespace}/${name}`);
  return [...new Set(sharedWith(spec).map(([, name]) => key(name)))];
}

/** What belongs to the network, and so to the Container whose it is. */
const ofTheNetwork = ['hostname', 'ports', 'dns', 'extraHosts'] as const;

/** Fields that contradict each other, in words; they make no Pod. */
export function contradiction({ metadata, spec }: Container): string | undefined {
  const shared = sharedWith(spec);
  const [self] = shared.find(([, name]) => name === metadata.name) ?? [];
  if (self !== undefined) return `spec.${self}: a container cannot share its own`;
  const [, network] = shared.find(([kind]) => kind === 'network') ?? [];
  if (network === undefined) return undefined;
  const field = ofTheNetwork.find((name) => spec[name] !== undefined);
  if (field !== undefined) {
    return `spec.${field}: it is that of container ${network}, whose network is shared (spec.network)`;
  }
  return undefined;
}

const running = (pod: Pod | undefined): pod is Pod =>
  pod?.metadata.deletionTimestamp === undefined &&
  pod?.status?.containerStatuses?.[0]?.state?.running !== undefined;

/** Docker: "cannot join network of a non running container". */
function missing(kind: Kind, name: string, { container, pod }: Peer): string | undefined {
  if (container === undefined) return `spec.${kind}: there is no container ${name} here`;
  if (running(pod)) return undefined;
  const { phase = 'created' } = container.status ?? {};
  const state = phase === 'running' ? 'is about to change' : `is ${phase}, not running`;
  return `spec.${kind}: container ${name} ${state}`;
}

/** Whose network it is gives the name, too. */
function fieldsFrom(kind: Kind, { spec, metadata }: Pod): Partial<PodSpec> {
  const { hostNetwork, hostIPC, hostPID, hostname = metadata.name } = spec ?? {};
  if (kind === 'ipc') return defined({ hostIPC });
  if (kind === 'pid') return defined({ hostPID });
  const isLabel = hostname.length <= 63 && !hostname.includes('.');
  return defined({ hostNetwork, hostname: isLabel ? hostname : undefined });
}

/** What the Container has of others; undefined: nothing. A text says what it waits for. */
export function sharing(
  { spec }: Container,
  peerOf: (name: string) => Peer,
): Sharing | string | undefined {
  const shared = sharedWith(spec);
  if (shared.length === 0) return undefined;
  const found = shared.map(([kind, name]) => ({ kind, name, peer: peerOf(name) }));
  for (const { kind, name, peer } of found) {
    const why = missing(kind, name, peer);
    if (why !== undefined) return why;
  }
  const pods = found.map(({ kind, name, peer }) => ({ kind, name, pod: peer.pod as Pod }));
  const [first] = pods;
  const node = first?.pod.spec?.nodeName ?? '';
  const elsewhere = pods.find(({ pod }) => pod.spec?.nodeName !== node);
  if (elsewhere !== undefined) {
    return `spec.${elsewhere.kind}: container ${elsewhere.name} runs on another node than ${first?.name}`;
  }
  return {
    joined: Object.fromEntries(pods.map(({ kind, pod }) => [kind, pod.metadata.uid ?? ''])),
    node,
    fields: Object.assign({}, ...pods.map(({ kind, pod }) => fieldsFrom(kind, pod))),
  };
}
