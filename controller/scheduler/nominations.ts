/** Pods for which room is being made, by the node that was promised them. */
import type { Pod } from '#api/resources/types.ts';
import type { Change } from '#controller/runtime/cache.ts';
import { isPending } from './plan.ts';
import { priorityOf } from './preempt.ts';

const none: readonly Pod[] = [];

export class Nominations {
  readonly #byNode = new Map<string, Map<string, Pod>>();

  /** Follows the cache of pods. */
  apply({ before, after }: Change<Pod>): void {
    if (before !== undefined) this.#forget(before);
    const node = after?.status?.nominatedNodeName ?? '';
    if (after === undefined || node === '' || !isPending(after)) return;
    const onNode = this.#byNode.get(node) ?? new Map<string, Pod>();
    this.#byNode.set(node, onNode.set(after.metadata.uid ?? '', after));
  }

  /** Those on the node that are at least as important as the pod. */
  on(node: string, pod: Pod): readonly Pod[] {
    const onNode = this.#byNode.get(node);
    if (onNode === undefined) return none;
    return [...onNode.values()].filter(
      (other) => other.metadata.uid !== pod.metadata.uid && priorityOf(other) >= priorityOf(pod),
    );
  }

  #forget({ metadata, status }: Pod): void {
    const node = status?.nominatedNodeName ?? '';
    const onNode = this.#byNode.get(node);
    onNode?.delete(metadata.uid ?? '');
    if (onNode?.size === 0) this.#byNode.delete(node);
  }
}
