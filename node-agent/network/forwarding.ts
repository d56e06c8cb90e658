/** Routing between pods and the world beyond the node: `net.ipv4.ip_forward`. */

import { access, readFile, rm, writeFile } from 'node:fs/promises';

const SYSCTL = '/proc/sys/net/ipv4/ip_forward';

/** Turns it on; `marker` remembers that it was off before. */
export async function enableForwarding(marker: string): Promise<void> {
  if ((await readFile(SYSCTL, 'utf8')).trim() === '1') return;
  await writeFile(marker, '');
  await writeFile(SYSCTL, '1');
}

/** Turns it off again if it was us who turned it on and nobody else needs it. */
export async function restoreForwarding(marker: string, neededByOthers: boolean): Promise<void> {
  const wasOff = await access(marker).then(
    () => true,
    () => false,
  );
  if (wasOff && !neededByOthers) await writeFile(SYSCTL, '0');
  await rm(marker, { force: true });
}
