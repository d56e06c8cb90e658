/** Where a pod goes: filter the nodes that can take it, score what is left. Pure. */
import type { Node, Pod } from '#api/resources/types.ts';
import { matchesNode, preference } from './affinity.ts';
import { allocatableOf, requestsOf } from './resources.ts';
import { disliked, tolerates, untolerated } from './taints.ts';
import { hasEnded, hostPortsOf, type Usage } from './usage.ts';

export type Placement =
  | { readonly type: 'bind'; readonly node: string }
  /** `message` is kube-scheduler's: how many nodes failed for which reason. */
  | { readonly type: 'unschedulable'; readonly message: string };

/** Whether the pod waits for us. */
export function isPending(pod: Pod): boolean {
  const { nodeName = '', schedulerName = 'default-scheduler', schedulingGates } = pod.spec ?? {};
  return (
    nodeName === '' &&
    schedulerName === 'default-scheduler' &&
    (schedulingGates ?? []).length === 0 &&
    pod.metadata.deletionTimestamp === undefined &&
    !hasEnded(pod)
  );
}

const unschedulable = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Why the node cannot take the pod, in kube-scheduler's words; none if it can. */
export function obstacles(pod: Pod, node: Node, usage: Usage): string[] {
  if (node.spec?.unschedulable === true) {
    const accepted = (pod.spec?.tolerations ?? []).some((one) => tolerates(one, unschedulable));
    if (!accepted) return ['node(s) were unschedulable'];
  }
  const taint = untolerated(pod, node);
  if (taint !== undefined) {
    return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  }
  if (!matchesNode(pod, node)) return ["node(s) didn't match Pod's node affinity/selector"];
  const ports = hostPortsOf(pod);
  if (ports.length > 0 && usage.portsTaken(node.metadata.name, ports)) {
    return ["node(s) didn't have free ports for the requested pod ports"];
  }
  return insufficient(pod, node, usage);
}

function insufficient(pod: Pod, node: Node, usage: Usage): string[] {
  const allocatable = allocatableOf(node);
  const used = usage.of(node.metadata.name);
  const lacking: string[] = [];
  for (const [name, wanted] of requestsOf(pod)) {
    if (wanted === 0 || (used.get(name) ?? 0) + wanted <= (allocatable.get(name) ?? 0)) continue;
    lacking.push(name === 'pods' ? 'Too many pods' : `Insufficient ${name}`);
  }
  return lacking;
}

/** The mean share of CPU, memory and pods that stays free; preferences count as much as all of it. */
function score(pod: Pod, node: Node, usage: Usage): number {
  const allocatable = allocatableOf(node);
  const used = usage.of(node.metadata.name);
  const wanted = requestsOf(pod);
  let free = 0;
  for (const name of ['cpu', 'memory', 'pods']) {
    const all = allocatable.get(name) ?? 0;
    if (all === 0) continue;
    free += Math.max(0, 1 - ((used.get(name) ?? 0) + (wanted.get(name) ?? 0)) / all);
  }
  return free / 3 + preference(pod, node) - disliked(pod, node);
}

/** The best node for the pod; of equally good ones the first by name. */
export function plan(pod: Pod, nodes: Iterable<Node>, usage: Usage): Placement {
  const reasons = new Map<string, number>();
  let best: { node: string; score: number } | undefined;
  let count = 0;
  for (const node of nodes) {
    count += 1;
    const { name } = node.metadata;
    const why = obstacles(pod, node, usage);
    for (const reason of why) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (why.length > 0) continue;
    const points = score(pod, node, usage);
    const better = best === undefined || points > best.score;
    if (better || (points === best?.score && name < best.node))
      best = { node: name, score: points };
  }
  if (best !== undefined) return { type: 'bind', node: best.node };
  return { type: 'unschedulable', message: failure(count, reasons) };
}

function failure(nodes: number, reasons: ReadonlyMap<string, number>): string {
  if (nodes === 0) return 'no nodes available to schedule pods';
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes} nodes are available: ${parts.join(', ')}.`;
}
