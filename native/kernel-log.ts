/** The kernel's log (/dev/kmsg). */

import { loadAddon } from './load.ts';

interface Face {
  readKernelLog(wanted: string): Promise<string>;
}

/**
 * The messages that contain `wanted`, oldest first, read on a worker thread.
 * @throws NativeError EPERM for who may not read it
 */
export async function readMessages(wanted: string): Promise<string[]> {
  const text = await loadAddon<Face>().readKernelLog(wanted);
  return text.split('\n').filter((line) => line !== '');
}
