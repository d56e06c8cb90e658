/** The Node object, its status and its Lease: pure functions of the machine's facts. */
import type { Lease, Node, NodeCondition } from '#api/resources/types.ts';
import { microTimestamp, timestamp } from '#controller/runtime/clock.ts';
import type { LocalImage } from '#node-agent/image/images.ts';
import type { Pressure } from '../eviction/node-pressure.ts';
import type { MachineFacts } from './facts.ts';

/** The Kubernetes release whose kubelet this agent stands in for, and who it is. */
const kubeletVersion = 'v1.36.2-bayplan';
const runtimeVersion = 'bayplan://0.1.0';
const podsMax = '110';
/** kubelet's `nodeStatusMaxImages`. */
const imagesMax = 50;
/** How long the Lease is good for; it is renewed every quarter of that. */
export const leaseSeconds = 40;

export interface NodeIdentity {
  readonly nodeName: string;
  readonly address: string;
  readonly port: number;
  readonly podCidr: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where persistent volumes of this node are. */
  readonly persistentVolumes: string;
}

/** The Node as the agent registers it; labels of others are kept by whoever merges it. */
export function nodeObject(identity: NodeIdentity, facts: MachineFacts): Node {
  const { nodeName, podCidr } = identity;
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: nodeLabels(identity, facts),
      annotations: nodeAnnotations(identity),
    },
    spec: { podCIDR: podCidr, podCIDRs: [podCidr] },
  };
}

/** The labels every node carries. */
export function nodeLabels(
  { nodeName, labels }: NodeIdentity,
  facts: MachineFacts,
): Record<string, string> {
  return {
    ...labels,
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': facts.architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': facts.architecture,
  };
}

/** What whoever makes volumes must know (`controller/volume`). */
export const nodeAnnotations = ({
  persistentVolumes,
}: Pick<NodeIdentity, 'persistentVolumes'>): Record<string, string> => ({
  'bayplan.dev/persistent-volumes': persistentVolumes,
});

export interface NodeReport {
  readonly facts: MachineFacts;
  readonly pressure: Pressure;
  readonly images: readonly LocalImage[];
  /** Why the node cannot run pods; absent: it can. */
  readonly problem?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The node's status; `before` gives the conditions their transition times. */
export function nodeStatus(
  identity: NodeIdentity,
  report: NodeReport,
  before: NonNullable<Node['status']> | undefined,
): NonNullable<Node['status']> {
  const { facts } = report;
  const resources = {
    cpu: String(facts.cpuCount),
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(facts.diskBytes / 1024)}Ki`,
    pods: podsMax,
  };
  return {
    capacity: resources,
    allocatable: resources,
    conditions: conditionsOf(report, before?.conditions ?? []),
    addresses: [
      { type: 'InternalIP', address: identity.address },
      { type: 'Hostname', address: identity.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: identity.port } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: runtimeVersion,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: facts.machineId,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.systemUuid,
    },
    images: report.images.slice(0, imagesMax).map(({ tags, sizeBytes, digest }) => ({
      names: [...tags, ...tags.map((tag) => `${tag.replace(/:[^:/]*$/, '')}@${digest}`)],
      sizeBytes,
    })),
  };
}

function conditionsOf(report: NodeReport, before: readonly NodeCondition[]): NodeCondition[] {
  const { pressure, problem } = report;
  const is = (type: string, bad: boolean, good: readonly string[], worse: readonly string[]) =>
    condition(report.now, before, {
      type,
      status: bad ? 'True' : 'False',
      words: bad ? worse : good,
    });
  return [
    is(
      'MemoryPressure',
      pressure.memory,
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    ),
    is(
      'DiskPressure',
      pressure.disk,
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    ),
    is(
      'PIDPressure',
      pressure.pids,
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    ),
    condition(report.now, before, {
      type: 'Ready',
      status: problem === undefined ? 'True' : 'False',
      words:
        problem === undefined
          ? ['KubeletReady', 'kubelet is posting ready status']
          : ['KubeletNotReady', problem],
    }),
  ];
}

function condition(
  now: number,
  before: readonly NodeCondition[],
  is: { readonly type: string; readonly status: string; readonly words: readonly string[] },
): NodeCondition {
  const old = before.find(({ type }) => type === is.type);
  const time = timestamp(now);
  const changed = old?.status !== is.status;
  return {
    type: is.type,
    status: is.status,
    reason: is.words[0] ?? '',
    message: is.words[1] ?? '',
    lastHeartbeatTime: time,
    lastTransitionTime: changed ? time : (old?.lastTransitionTime ?? time),
  };
}

/** The Lease that says the node is alive. `owner`: the Node's uid, so that it goes with the Node. */
export function nodeLease(nodeName: string, owner: string | undefined, now: number): Lease {
  const ownerReferences =
    owner === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: owner }];
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: nodeName, namespace: leaseNamespace, ownerReferences },
    spec: {
      holderIdentity: nodeName,
      leaseDurationSeconds: leaseSeconds,
      renewTime: microTimestamp(now),
    },
  };
}

export const leaseNamespace = 'kube-node-lease';
