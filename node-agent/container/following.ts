/** What a runtime does about what its containers' supervisors tell. */

import { killCgroup } from './cgroup-files.ts';
import { oomMessage } from './cgroup-oom.ts';
import type { Hierarchies } from './cgroups.ts';
import type { Container, ContainerEvents } from './container.ts';
import { rotateContainerLog } from './control.ts';
import { lostExit } from './lost.ts';
import { explainedExit } from './resource-control.ts';
import type { RuntimeOptions } from './runtime.ts';

export interface Following {
  readonly log: NonNullable<RuntimeOptions['log']>;
  readonly hierarchies: () => Hierarchies;
  /** Whether what the container does still matters: the runtime is open and knows it. */
  readonly counts: (container: Container) => boolean;
  readonly isOpen: () => boolean;
  readonly tell: (container: Container) => void;
  /** The containers of its sandbox have no process namespace of their own. */
  readonly sharesPids: (sandboxId: string) => boolean;
}

export function containerEvents(following: Following): ContainerEvents {
  const { log, hierarchies } = following;
  return {
    changed: (container) => changed(following, container),
    lost: (container) => {
      if (following.isOpen()) void lost(following, container);
    },
    outOfMemory: (container, kills) => void outOfMemory(following, container, kills),
    explain: (container, exit) => explainedExit(hierarchies(), container, exit),
    logLarge: (container) => {
      rotateContainerLog(container).catch((error: unknown) => {
        log('log not rotated', { container: container.spec.id, error });
      });
    },
  };
}

function changed(following: Following, container: Container): void {
  if (!following.counts(container)) return;
  following.tell(container);
  const { spec, cgroup, state } = container;
  // Without a pid namespace of its own, what the program left behind lives on.
  const shares = spec.joins?.pid !== undefined || following.sharesPids(spec.sandboxId);
  if (state.phase !== 'exited' || !shares) return;
  void killCgroup(following.hierarchies(), cgroup).catch((error: unknown) => {
    const { id } = spec;
    following.log('processes of an ended container not killed', { container: id, error });
  });
}

/** Told beside the state, which is as it was: the container may have ended by now, or go on. */
async function outOfMemory(following: Following, container: Container, count: number) {
  const known = await oomMessage(following.hierarchies(), container.cgroup).catch(() => undefined);
  const message = known ?? `Out of memory: ${count} processes killed.`;
  container.memoryKills = { count, message };
  if (following.counts(container)) following.tell(container);
}

async function lost({ log, hierarchies }: Following, container: Container): Promise<void> {
  const seen = await lostExit(hierarchies(), container);
  if (seen.reason === 'Unknown') log('supervisor vanished', { container: container.spec.id });
  container.ends(seen);
}
