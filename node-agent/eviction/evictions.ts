/**
 * Keeps the node alive when memory or disk run out, as kubelet's eviction manager does: looks every ten seconds, frees what
 * nobody uses, and else takes one pod away at a time. Pods over their own limits of local storage go in any case.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Pod } from '#api/resources/types.ts';
import { type Clock, sleep } from '#controller/runtime/clock.ts';
import type { PodState } from '../pod/pod-state.ts';
import { isAlive } from '../pod/view.ts';
import type { World } from '../pod/world.ts';
import { hasLocalLimits, overLocalLimit } from './local-limits.ts';
import { localUse, measured } from './local-use.ts';
import { isCritical, type NodePressure } from './node-pressure.ts';
import { evictionMessage, ranked } from './ranking.ts';
import type { Resource, Shortage, Signals } from './thresholds.ts';

const everyMs = 10_000;
/** How long the next pod stays while the last one is taken down: kubelet's `podCleanupTimeout`. */
const patienceMs = 30_000;

export interface EvictionOptions {
  readonly world: World;
  /** The node's pods as last seen. */
  readonly pods: () => readonly Pod[];
  readonly pressure: NodePressure;
  readonly read: () => Promise<Signals>;
  /** Frees disk that nobody uses. */
  readonly reclaim: () => Promise<void>;
  /** A threshold is met, and something is done about it. */
  readonly onShortage: (resource: Resource) => void;
  /** Seconds: so long pods have to end at most that go for a soft threshold. */
  readonly maxPodGrace: number;
  /** The conditions are others now. */
  readonly onChange: () => void;
  readonly clock: Clock;
}

interface Present {
  readonly pod: Pod;
  readonly state: PodState;
}

export class Evictions {
  readonly #options: EvictionOptions;
  readonly #abort = new AbortController();
  #leaving: { readonly states: readonly PodState[]; readonly until: number } | undefined;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** Looks again and again until `stop`. Resolves after the first look. */
  async start(): Promise<void> {
    await this.#tryLook();
    void this.#repeat();
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Looks once, and does what has to be done; resolves with the pods that have to go. */
  async look(): Promise<readonly Pod[]> {
    const { pressure, onChange, world } = this.#options;
    const before = pressure.conditions;
    await this.#observe();
    if (!isDeepStrictEqual(before, pressure.conditions)) onChange();
    const over = await this.#evictOverLimits();
    if (over.length > 0 || this.#awaitsEnd()) return over;
    const shortage = pressure.shortages[0];
    if (shortage === undefined) return [];
    const { resource } = shortage;
    world.log.warn('the node is short of something', { ...shortage });
    this.#options.onShortage(resource);
    if (resource !== 'memory' && (await this.#reclaimed())) return [];
    const candidates = await Promise.all(
      this.#present().map(({ pod, state }) => measured(world, state, pod, resource)),
    );
    const first = ranked(candidates, resource)[0];
    if (first === undefined) {
      world.log.warn('no pod is left that may be evicted', { resource });
      return [];
    }
    const present = this.#present().filter(({ pod }) => pod === first.pod);
    const graceSeconds = this.#graceOf(first.pod, shortage);
    for (const one of present) this.#evict(one, evictionMessage(first, shortage), graceSeconds);
    return present.map(({ pod }) => pod);
  }

  async #repeat(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#abort;
    for (;;) {
      await sleep(clock, everyMs, signal);
      if (signal.aborted) return;
      await this.#tryLook();
    }
  }

  async #tryLook(): Promise<void> {
    await this.look().catch((error: unknown) => {
      this.#options.world.log.warn('pressure on the node not looked at', { error });
    });
  }

  async #observe(): Promise<void> {
    const { pressure, read, clock } = this.#options;
    pressure.observe(await read(), clock.now());
  }

  /** Frees disk; true: that was enough. */
  async #reclaimed(): Promise<boolean> {
    await this.#options.reclaim();
    await this.#observe();
    return this.#options.pressure.shortages.length === 0;
  }

  /** Pods that may be evicted: they stand here, are not over, and the cluster can do without them. */
  #present(): Present[] {
    const { world, pods } = this.#options;
    return pods().flatMap((pod) => {
      const state = world.states.get(pod.metadata.uid ?? '');
      const phase = state?.status?.phase ?? pod.status?.phase;
      if (state === undefined || phase === 'Succeeded' || phase === 'Failed') return [];
      if (!state.standing || state.refused !== undefined || isCritical(pod)) return [];
      return [{ pod, state }];
    });
  }

  async #evictOverLimits(): Promise<Pod[]> {
    const gone: Pod[] = [];
    for (const present of this.#present().filter(({ pod }) => hasLocalLimits(pod))) {
      const { pod, state } = present;
      const message = overLocalLimit(pod, await localUse(this.#options.world, state, pod));
      if (message === undefined) continue;
      this.#evict(present, message, 0);
      gone.push(pod);
    }
    return gone;
  }

  /** Who has to go at once has no time; else the pod's own, within the node's bound. */
  #graceOf({ spec }: Pod, { isSoft }: Shortage): number {
    if (!isSoft) return 0;
    return Math.min(this.#options.maxPodGrace, spec?.terminationGracePeriodSeconds ?? 30);
  }

  #evict({ pod, state }: Present, message: string, graceSeconds: number): void {
    const { world, clock } = this.#options;
    const { namespace, name } = pod.metadata;
    world.log.warn('pod evicted', { namespace, name, message });
    world.events.warn(pod, 'Evicted', message);
    state.refused = { reason: 'Evicted', message, evicted: { graceSeconds } };
    state.wake();
    this.#leaving = {
      states: [...(this.#leaving?.states ?? []), state],
      until: clock.now() + graceSeconds * 1000 + patienceMs,
    };
  }

  /** Whether what the last eviction frees is not free yet. */
  #awaitsEnd(): boolean {
    if (this.#leaving === undefined) return false;
    const { states, until } = this.#leaving;
    const stays = (state: PodState) => state.standing || state.allAttempts().some(isAlive);
    if (states.some(stays) && this.#options.clock.now() < until) return true;
    this.#leaving = undefined;
    return false;
  }
}
