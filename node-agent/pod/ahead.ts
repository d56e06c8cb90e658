/**
 * Containers made while they may not run yet: during a back-off, or while init containers work. They then start in a
 * millisecond. All of it is a guess: what does not fit when the start comes is thrown away.
 */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { keeperOf } from './kept-containers.ts';
import { nextRestartDelayMs } from './restart.ts';
import { type Attempt, containerView, type PodView } from './view.ts';

/** What a start is planned with. */
export interface StartFacts {
  readonly container: string;
  readonly attempt: number;
  /** How long the next attempt has to wait once this one ends. */
  readonly restartDelayMs: number;
}

export interface PreparedStart {
  readonly attempt: number;
  readonly spec: ContainerSpec;
}

/** What a pod's state remembers of them. */
export class Ahead {
  readonly #tried = new Map<string, number>();
  readonly #ready = new Map<string, PreparedStart>();

  /** For which attempt each container was prepared, or could not be. */
  get tried(): ReadonlyMap<string, number> {
    return this.#tried;
  }

  begin(container: string, attempt: number): void {
    this.#tried.set(container, attempt);
  }

  keep(container: string, prepared: PreparedStart): void {
    this.#ready.set(container, prepared);
  }

  find(container: string, attempt: number): PreparedStart | undefined {
    const ready = this.#ready.get(container);
    return ready?.attempt === attempt ? ready : undefined;
  }

  forget(container: string): void {
    this.#ready.delete(container);
  }

  /** The sandbox is gone, and they with it. */
  clear(): void {
    this.#tried.clear();
    this.#ready.clear();
  }
}

/** Volumes whose directories stay the same as long as the pod stands; others may be mounted anew until the start. */
const steadyVolumes = ['emptyDir', 'configMap', 'secret', 'downwardAPI', 'projected'];

/** A path below a volume is looked up by each start; what a Container keeps is given to one process at a time. */
function canBePrepared(pod: Pod, { volumeMounts = [] }: PodContainer): boolean {
  if (keeperOf(pod) !== undefined) return false;
  const volumes = pod.spec?.volumes ?? [];
  return volumeMounts.every(({ name, subPath, subPathExpr }) => {
    const volume = volumes.find((one) => one.name === name) ?? {};
    const isSteady = steadyVolumes.some((kind) => kind in volume);
    return isSteady && subPath === undefined && subPathExpr === undefined;
  });
}

/** Whether the container is to be made now for the start that comes later. */
export function wantsAhead(
  view: PodView,
  pod: Pod,
  container: PodContainer,
  attempt: number,
): boolean {
  if (view.prepared === undefined || view.prepared.get(container.name) === attempt) return false;
  if (containerView(view, container.name).waiting !== undefined) return false;
  return canBePrepared(pod, container);
}

/** What the attempt after `last` is started with. */
export const startFacts = ({ name }: PodContainer, last: Attempt | undefined): StartFacts => ({
  container: name,
  attempt: last === undefined ? 0 : last.attempt + 1,
  restartDelayMs: nextRestartDelayMs(last),
});
