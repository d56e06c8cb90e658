/** Pods that found no place, and what could give them one. */
import { equalJson } from '#api/resources/json.ts';
import { keyOf } from '#api/resources/meta.ts';
import type { Node, PersistentVolume, Pod } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { conditionOf } from '#controller/runtime/conditions.ts';
import { isPending } from './plan.ts';
import { priorityOf } from './preempt.ts';
import { hasEnded } from './usage.ts';
import { boundClaimKey, claimKeysOf } from './world-facts.ts';

/** What a plan reads of a node; its heartbeats change nothing. */
const fitFacts = (node: Node | undefined): unknown => [
  node?.metadata.labels,
  node?.spec?.taints,
  node?.spec?.unschedulable,
  node?.status?.allocatable,
  conditionOf(node?.status?.conditions, 'Ready')?.status,
];

/** Whether the place of other pods matters to the pod. */
const looksAtPods = ({ spec }: Pod): boolean =>
  spec?.affinity?.podAffinity !== undefined ||
  spec?.affinity?.podAntiAffinity !== undefined ||
  spec?.topologySpreadConstraints !== undefined;

/** Where the pod is and what it is called: what others' wishes about it look at. */
const placeFacts = (pod: Pod | undefined): unknown => [
  pod?.spec?.nodeName,
  pod?.metadata.labels,
  pod?.metadata.deletionTimestamp === undefined,
];

/** So many are woken for the room on one node: who takes it makes the next be looked for. */
const wokenMax = 16;

export class Waiting {
  readonly #pods: Cache<Pod>;
  readonly #keys = new Set<string>();
  readonly #fits: (pod: Pod, node: string) => boolean;

  /** `fits`: whether the node could take the pod as things are. */
  constructor(pods: Cache<Pod>, fits: (pod: Pod, node: string) => boolean) {
    this.#pods = pods.addIndex('claim', claimKeysOf);
    this.#fits = fits;
  }

  add(key: string): void {
    this.#keys.add(key);
  }

  /** Says whether it waited. */
  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  /** A pod that left its node makes room there; one that came, went or was renamed can please those who look at pods. */
  podChanged({ key, before, after }: Change<Pod>): string[] {
    if (after === undefined) this.#keys.delete(key);
    const hadNode = before?.spec?.nodeName !== undefined;
    const left = hadNode && (after === undefined || hasEnded(after)) && !hasEnded(before);
    if (left) {
      const node = before.spec?.nodeName ?? '';
      return [...new Set([...this.roomOn(node), ...this.#all(looksAtPods)])];
    }
    const placed = hadNode || after?.spec?.nodeName !== undefined;
    if (!placed || this.#keys.size === 0 || equalJson(placeFacts(before), placeFacts(after))) {
      return [];
    }
    return this.#all(looksAtPods);
  }

  /** The most important of those that the node could take now, and those that it was promised. */
  roomOn(node: string): string[] {
    const found: string[] = [];
    for (const pod of this.#sorted()) {
      const promised = pod.status?.nominatedNodeName === node;
      if (promised || (found.length < wokenMax && this.#fits(pod, node))) found.push(keyOf(pod));
    }
    return found;
  }

  nodeChanged({ before, after }: Change<Node>): string[] {
    return equalJson(fitFacts(before), fitFacts(after)) ? [] : this.#all();
  }

  claimChanged({ key }: Pick<Change<unknown>, 'key'>): string[] {
    return this.#pods.byIndex('claim', key).filter(isPending).map(keyOf);
  }

  volumeChanged({ after }: Change<PersistentVolume>): string[] {
    const key = after === undefined ? undefined : boundClaimKey(after);
    return key === undefined ? this.classChanged() : this.claimChanged({ key });
  }

  classChanged(): string[] {
    return this.#all((pod) => claimKeysOf(pod).length > 0);
  }

  #all(concerns: (pod: Pod) => boolean = () => true): string[] {
    return this.#sorted().filter(concerns).map(keyOf);
  }

  /** The most important first, then those that have waited longest. */
  #sorted(): Pod[] {
    const found = [...this.#keys].flatMap((key) => this.#pods.get(key) ?? []);
    return found.sort((a, b) => priorityOf(b) - priorityOf(a));
  }
}
