/** Events for processes that were killed for want of memory while their container went on, or ended by it. */
import type { Pod } from '#api/resources/types.ts';
import type { ContainerRecord } from '#node-agent/container/runtime.ts';
import { attemptOf } from './labels.ts';
import type { PodEvents } from './pod-events.ts';

/** The node problem detector's word for it. */
const reason = 'OOMKilling';

export class MemoryKillEvents {
  readonly #events: PodEvents;
  /** How many were told of each container. */
  readonly #told = new Map<string, number>();

  constructor(events: PodEvents) {
    this.#events = events;
  }

  /** Tells what of a record is news. `pod`: undefined when it is forgotten already. */
  tell(record: ContainerRecord, pod: Pod | undefined): void {
    const { memoryKills, spec, state } = record;
    const told = this.#told.get(spec.id) ?? 0;
    const isNews = memoryKills !== undefined && memoryKills.count > told;
    if (state.phase === 'exited') this.#told.delete(spec.id);
    if (!isNews) return;
    if (state.phase !== 'exited') this.#told.set(spec.id, memoryKills.count);
    if (pod !== undefined) {
      this.#events.warn(pod, reason, memoryKills.message, attemptOf(record).container);
    }
  }
}
