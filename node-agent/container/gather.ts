/** Adds to a container's surroundings what has to be read: its filter and its devices. */

import { containerFilter } from './container-filter.ts';
import { containerDevices } from './devices.ts';
import type { Surroundings } from './surroundings.ts';

export async function gather(
  known: Omit<Surroundings, 'seccomp' | 'devices'>,
  more: {
    /** Of its state. */
    readonly directory: string;
    readonly log:
      | ((message: string, fields: Readonly<Record<string, unknown>>) => void)
      | undefined;
  },
): Promise<Surroundings> {
  const { spec, hierarchies } = known;
  return {
    ...known,
    seccomp: await containerFilter({ spec, hierarchies, ...more }),
    devices: await containerDevices(spec),
  };
}
