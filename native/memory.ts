/** Memory of the process itself. */
import { loadAddon } from './load.ts';

interface Face {
  releaseMemory(): Promise<void>;
}

/**
 * Gives pages of freed memory back to the kernel, on a worker thread (malloc_trim(3)). glibc keeps what lies between pieces in
 * use: after a burst of buffers that is a hundred MiB.
 */
export function releaseMemory(): Promise<void> {
  return loadAddon<Face>().releaseMemory();
}
