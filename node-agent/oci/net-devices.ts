/** `linux.netDevices`: devices of our network namespace that become the container's. */

import { closeSync, openSync } from 'node:fs';
import { moveLink } from '#native/move-link.ts';
import type { NetDevices } from './config/linux.ts';

interface Moved {
  readonly name: string;
  /** Its name in the container. */
  readonly as: string;
}

async function moveAll(devices: NetDevices, from: number, to: number): Promise<void> {
  const moved: Moved[] = [];
  for (const [name, device] of Object.entries(devices)) {
    try {
      const there = await moveLink({ name, as: device.name ?? name, from, to });
      moved.push({ name, as: there.name });
    } catch (cause) {
      // With its namespace a device that is not of hardware would end.
      for (const { name: own, as } of moved)
        await moveLink({ name: as, as: own, from: to, to: from });
      const message = `linux.netDevices.${name}: ${(cause as Error).message}`;
      throw new Error(message, { cause });
    }
  }
}

/**
 * Moves them to the namespace of the process; the kernel brings those of hardware back when that ends.
 * @throws Error naming the first that cannot be moved; all are ours again then
 */
export async function moveNetDevices(devices: NetDevices, pid: number): Promise<void> {
  const own = openSync('/proc/self/ns/net', 'r');
  try {
    const theirs = openSync(`/proc/${pid}/ns/net`, 'r');
    await moveAll(devices, own, theirs).finally(() => closeSync(theirs));
  } finally {
    closeSync(own);
  }
}
