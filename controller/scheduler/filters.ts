/** Whether a node can take a pod: kube-scheduler's filters in its order; the first that refuses speaks. Pure. */
import type { Node, Pod } from '#api/resources/types.ts';
import { matchesNode } from '#controller/workload/node-affinity.ts';
import { tolerates } from '#controller/workload/tolerations.ts';
import type { Facts } from './facts.ts';
import { helpless, type Obstacle } from './obstacle.ts';
import { affinityFilter } from './pod-affinity.ts';
import { allocatableOf, requestsOf } from './resources.ts';
import { spreadFilter } from './spread.ts';
import { untolerated } from './taints.ts';
import { hostPortsOf, portsClash, type UsageView } from './usage.ts';
import { podVolumes } from './volumes.ts';

export interface View {
  readonly pod: Pod;
  readonly nodes: Iterable<Node>;
  readonly usage: UsageView;
  readonly facts: Facts;
}

type Check = (node: Node) => readonly Obstacle[];

const unschedulable = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const fits: readonly Obstacle[] = [];

/** Everything that does not depend on a single node is worked out once. `blocked`: no node can take the pod. */
export function filter(view: View): { readonly blocked?: string; readonly check: Check } {
  const { pod, nodes, usage, facts } = view;
  const volumes = podVolumes(pod, usage, facts);
  if (volumes.blocked !== undefined) return { blocked: volumes.blocked, check: () => fits };
  const last = [
    volumes.obstacle,
    spreadFilter(pod, nodes, usage),
    affinityFilter(pod, usage, facts),
  ].filter((one) => one !== undefined);
  const ports = hostPortsOf(pod);
  const check: Check = (node) => {
    const placed = placeObstacle(pod, node) ?? portObstacle(view, node, ports);
    if (placed !== undefined) return [placed];
    const lacking = insufficient(view, node);
    if (lacking.length > 0) return lacking;
    for (const one of last) {
      const found = one(node);
      if (found !== undefined) return [found];
    }
    return fits;
  };
  return { check };
}

/** What the pod and the node say of each other. */
function placeObstacle(pod: Pod, node: Node): Obstacle | undefined {
  if (node.spec?.unschedulable === true) {
    const accepted = (pod.spec?.tolerations ?? []).some((one) => tolerates(one, unschedulable));
    if (!accepted) return helpless('node(s) were unschedulable');
  }
  const taint = untolerated(pod, node);
  if (taint !== undefined) {
    return helpless(`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`);
  }
  return matchesNode(pod, node)
    ? undefined
    : helpless("node(s) didn't match Pod's node affinity/selector");
}

function portObstacle(
  { pod, usage, facts }: View,
  node: Node,
  ports: readonly string[],
): Obstacle | undefined {
  if (ports.length === 0) return undefined;
  const { name } = node.metadata;
  const promised = facts.nominated(name, pod).flatMap(hostPortsOf);
  const clash = ports.some((port) => promised.some((other) => portsClash(port, other)));
  return clash || usage.portsTaken(name, ports)
    ? { reason: "node(s) didn't have free ports for the requested pod ports" }
    : undefined;
}

function insufficient({ pod, usage, facts }: View, node: Node): readonly Obstacle[] {
  const allocatable = allocatableOf(node);
  const { name: nodeName } = node.metadata;
  const used = usage.of(nodeName);
  const nominated = facts.nominated(nodeName, pod);
  let lacking: Obstacle[] | undefined;
  for (const [name, wanted] of requestsOf(pod)) {
    if (wanted === 0) continue;
    let taken = used.get(name) ?? 0;
    for (const other of nominated) taken += requestsOf(other).get(name) ?? 0;
    const all = allocatable.get(name) ?? 0;
    if (taken + wanted <= all) continue;
    const reason = name === 'pods' ? 'Too many pods' : `Insufficient ${name}`;
    lacking ??= [];
    lacking.push(wanted > all && name !== 'pods' ? helpless(reason) : { reason });
  }
  return lacking ?? fits;
}
