/** Mounts of another mount namespace, by the file that names it; a thread enters it for each call. */

import { loadAddon } from './load.ts';

interface Face {
  mountIn(namespace: string, path: string): Promise<number>;
  unmountIn(namespace: string, path: string): Promise<number>;
}

/** The kernel's number of the mount that a path is on there; 0 where there is no such path. */
export const mountIn = (namespace: string, path: string): Promise<number> =>
  loadAddon<Face>().mountIn(namespace, path);

/** Takes away what is mounted on a path there, with all below. @throws NativeError EINVAL when nothing is */
export async function unmountIn(namespace: string, path: string): Promise<void> {
  await loadAddon<Face>().unmountIn(namespace, path);
}
