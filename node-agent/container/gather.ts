/** Adds to a container's surroundings what has to be read or opened: its filter, its devices, others' namespaces. */

import { setImmediate as turn } from 'node:timers/promises';
import type { Container } from './container.ts';
import { containerFilter } from './container-filter.ts';
import { containerDevices } from './devices.ts';
import { openJoined, sandboxOfShm } from './joined.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { Surroundings } from './surroundings.ts';

const nobody: ReadonlyMap<string, Container> = new Map();

export interface Known extends Omit<Surroundings, 'seccomp' | 'devices' | 'namespaces' | 'joined'> {
  readonly sandboxes: Pick<Sandboxes, 'paths'>;
  /** Those whose namespaces a container that starts may join; undefined: it runs already. */
  readonly peers: ReadonlyMap<string, Container> | undefined;
}

export async function gather(
  { sandboxes, peers, ...known }: Known,
  more: {
    /** Of its state. */
    readonly directory: string;
    readonly log:
      | ((message: string, fields: Readonly<Record<string, unknown>>) => void)
      | undefined;
  },
): Promise<Surroundings> {
  // The call that asked for it returns first: the event loop is never held for long.
  await turn();
  const { spec, hierarchies } = known;
  const seccomp = await containerFilter({ spec, hierarchies, ...more });
  const devices = await containerDevices(spec);
  const shm = sandboxes.paths(sandboxOfShm(spec, peers ?? nobody)).shm;
  const around = { ...known, namespaces: { ...sandboxes.paths(spec.sandboxId), shm } };
  if (spec.joins === undefined || peers === undefined) return { ...around, seccomp, devices };
  return { ...around, seccomp, devices, joined: openJoined(spec.joins, peers) };
}
