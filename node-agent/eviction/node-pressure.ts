/** Which conditions of pressure the node is in, and which new pods it does not take then. */
import type { Pod } from '#api/resources/types.ts';
import { qosClass } from '../pod/resources.ts';
import { type Shortage, type Signals, shortageOf, type Threshold } from './thresholds.ts';

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

/** kubelet's `evictionPressureTransitionPeriod`. */
export const usualTransitionMs = 5 * 60_000;
const pidsFreeMin = 0.05;
/** From here on a pod is critical to the cluster: it is neither evicted nor refused. */
const criticalPriority = 2_000_000_000;
const memoryTaint = 'node.kubernetes.io/memory-pressure';

/** Whether the node can do without the pod never. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const isMirror = Object.hasOwn(metadata.annotations ?? {}, 'kubernetes.io/config.mirror');
  return isMirror || (spec?.priority ?? 0) >= criticalPriority;
}

export class NodePressure {
  readonly #thresholds: readonly Threshold[];
  readonly #transitionMs: number;
  readonly #lastMet = new Map<keyof Pressure, number>();
  /** Since when each threshold that is met now is met. */
  readonly #since = new Map<Threshold, number>();
  #shortages: ReadonlyMap<Threshold, Shortage> = new Map();
  #pressure: Pressure = { memory: false, disk: false, pids: false };

  constructor(thresholds: readonly Threshold[], transitionMs = usualTransitionMs) {
    this.#thresholds = thresholds;
    this.#transitionMs = transitionMs;
  }

  /** For what pods go at the last look: hard thresholds that are met, and soft ones that were met for long enough. */
  get shortages(): readonly Shortage[] {
    return [...this.#shortages.values()];
  }

  /** The conditions; each stays for the transition period after what it stands for was short last. */
  get conditions(): Pressure {
    return this.#pressure;
  }

  /** Takes a look's figures in. `now`: milliseconds since the epoch. */
  observe(signals: Signals, now: number): void {
    this.#shortages = new Map(
      this.#met(signals, now).filter(([one]) => now - (this.#since.get(one) ?? now) >= one.graceMs),
    );
    const { available, capacity } = signals.pids;
    if (available < capacity * pidsFreeMin) this.#lastMet.set('pids', now);
    for (const { resource } of this.#since.keys()) {
      this.#lastMet.set(resource === 'memory' ? 'memory' : 'disk', now);
    }
    const lasts = (which: keyof Pressure) => {
      const met = this.#lastMet.get(which);
      return met !== undefined && (met === now || now - met < this.#transitionMs);
    };
    this.#pressure = { memory: lasts('memory'), disk: lasts('disk'), pids: lasts('pids') };
  }

  /** Conditions do not wait for the grace of soft thresholds: no new pods shall make it worse. */
  #met(signals: Signals, now: number): [Threshold, Shortage][] {
    return this.#thresholds.flatMap((one): [Threshold, Shortage][] => {
      const shortage = shortageOf(one, signals, this.#shortages.has(one));
      if (shortage === undefined) {
        this.#since.delete(one);
        return [];
      }
      if (!this.#since.has(one)) this.#since.set(one, now);
      return [[one, shortage]];
    });
  }

  /** Why a pod that is new here is not taken now; undefined: it is. */
  refusal(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
    const { memory, disk, pids } = this.#pressure;
    const named: readonly (readonly [boolean, string])[] = [
      [memory, 'MemoryPressure'],
      [disk, 'DiskPressure'],
      [pids, 'PIDPressure'],
    ];
    const conditions = named.filter(([is]) => is).map(([, name]) => name);
    if (conditions.length === 0 || isCritical(pod)) return undefined;
    const onlyMemory = memory && conditions.length === 1;
    if (onlyMemory && (qosClass(pod) !== 'BestEffort' || toleratesMemoryPressure(pod))) {
      return undefined;
    }
    const message = `Pod was rejected: The node had condition: [${conditions.join(' ')}]. `;
    return { reason: 'Evicted', message };
  }
}

function toleratesMemoryPressure(pod: Pod): boolean {
  return (pod.spec?.tolerations ?? []).some(({ key = '', operator, effect = '', value = '' }) => {
    if (effect !== '' && effect !== 'NoSchedule') return false;
    if (key === '') return operator === 'Exists';
    return key === memoryTaint && (operator === 'Exists' || value === '');
  });
}
