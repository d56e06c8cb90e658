/** What the kernel refuses as new to whoever has no rights on the host: what is here already is shown instead. */

import { statSync } from 'node:fs';
import type { Config } from './config/config.ts';
import { targetOf } from './mounts.ts';
import { standInOf } from './rootless-config.ts';

const isSame = (one: string, other: string): boolean => {
  try {
    return statSync(one).dev === statSync(other).dev;
  } catch {
    return false; // it has ended
  }
};

/** Of a container that was made without rights: what it has in place of what its bundle asks for. */
export function standInWarnings({ mounts, linux }: Config, pid: number): string[] {
  return (mounts ?? []).flatMap((mount, index) => {
    const source = standInOf(mount, linux ?? {});
    if (source === undefined || !isSame(`/proc/${pid}/root${targetOf(mount)}`, source)) return [];
    const whose = mount.type === 'proc' ? ', with the processes of the namespace around' : '';
    return [
      `mounts[${index}]: the kernel gives no new ${mount.type} here, since something lies over parts of ${source}: that one is shown${whose}`,
    ];
  });
}
