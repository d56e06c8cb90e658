/** A DaemonSet's pod for one node, and the node of a pod. After daemon/util/daemonset_util.go. */
import type {
  ControllerRevision,
  DaemonSet,
  Node,
  Pod,
  PodSpec,
  Taint,
  Toleration,
} from '#api/resources/types.ts';
import { revisionLabel } from '#controller/workload/history.ts';
import { matchesNode } from '#controller/workload/node-affinity.ts';
import { podOf } from '#controller/workload/pod-template.ts';
import { tolerates } from '#controller/workload/tolerations.ts';

/** A daemon stays where other pods would have to leave, and comes before them. */
const stays: readonly [taint: string, effect: string][] = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
];

function withTolerations(spec: PodSpec): Toleration[] {
  const given = spec.tolerations ?? [];
  // What makes the network is needed before there is one.
  const all: typeof stays = spec.hostNetwork
    ? [...stays, ['network-unavailable', 'NoSchedule']]
    : stays;
  const added = all.map(([taint, effect]) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: 'Exists',
    effect,
  }));
  const isGiven = ({ key, operator, effect }: Toleration) =>
    given.some((one) => one.key === key && one.operator === operator && one.effect === effect);
  return [...given, ...added.filter((one) => !isGiven(one))];
}

/** The node's name takes the place of what was required: that the node meets it was seen to before. */
function boundTo(spec: PodSpec, node: string): NonNullable<PodSpec['affinity']> {
  const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  const required = { nodeSelectorTerms: [term] };
  return {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: required,
    },
  };
}

/** The label of pods, and of the revision that they are of. */
export const hashOf = ({ metadata }: ControllerRevision): string =>
  metadata.labels?.[revisionLabel] ?? '';

/** The pod for the node, as the set's template of now says. */
export function newPod(
  set: DaemonSet,
  revision: ControllerRevision,
  node: string,
  name: string,
): Pod {
  const pod = podOf(set, set.spec?.template, name);
  const spec = pod.spec ?? { containers: [] };
  const labels = { ...pod.metadata.labels, [revisionLabel]: hashOf(revision) };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...spec, affinity: boundTo(spec, node), tolerations: withTolerations(spec) },
  };
}

/** The node that runs the pod or, before it is bound, the one it is meant for. */
export function nodeOf(pod: Pod): string | undefined {
  const bound = pod.spec?.nodeName ?? '';
  if (bound !== '') return bound;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const [field] = required?.nodeSelectorTerms[0]?.matchFields ?? [];
  return field?.key === 'metadata.name' ? field.values?.[0] : undefined;
}

export interface Fit {
  /** A pod is to be made on the node. */
  readonly shouldRun: boolean;
  /** A pod that is there may stay. */
  readonly mayStay: boolean;
}

const no: Fit = { shouldRun: false, mayStay: false };

/** Whether a node is one of the set's; what the set says of all nodes is worked out once. */
export function fitting(set: DaemonSet): (node: Node) => Fit {
  const spec = set.spec?.template.spec ?? { containers: [] };
  const { nodeName = '' } = spec;
  const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: '' }, spec };
  const tolerations = withTolerations(spec);
  const repelled = (taint: Taint) => !tolerations.some((one) => tolerates(one, taint));
  return (node) => {
    if (nodeName !== '' && nodeName !== node.metadata.name) return no;
    if (!matchesNode(pod, node)) return no;
    const effects = (node.spec?.taints ?? []).filter(repelled).map(({ effect }) => effect);
    const mayStay = !effects.includes('NoExecute');
    return { shouldRun: mayStay && !effects.includes('NoSchedule'), mayStay };
  };
}
