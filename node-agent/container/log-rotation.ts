/** Keeps logs small: `x.log` becomes `x.log.1`, that `x.log.2`, and so on; the oldest goes. */

import { rename, rm } from 'node:fs/promises';

export interface LogLimits {
  /** From this size on the file is rotated. */
  readonly rotateBytes: number;
  /** How many files there are at most, with the one being written; at least 1. */
  readonly files: number;
}

/** Kubernetes' (kubelet containerLogMaxSize, containerLogMaxFiles). */
export const defaultLogLimits: LogLimits = { rotateBytes: 10 * 1024 * 1024, files: 5 };

/**
 * The size a supervisor never exceeds, should nobody rotate: what one container prints in the
 * seconds an agent needs to start again is kept.
 */
export const mostBytes = ({ rotateBytes }: LogLimits): number => rotateBytes * 10;

async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}

/**
 * Moves a log and its older files on by one. Who writes it goes on in `path.1` (or the removed
 * file) until it opens `path` again. Interrupted, it is done again at the next rotation.
 */
export async function rotateLog(path: string, { files }: LogLimits): Promise<void> {
  const oldest = files - 1;
  if (oldest < 1) return rm(path, { force: true });
  for (let number = oldest; number > 1; number--) {
    await move(`${path}.${number - 1}`, `${path}.${number}`);
  }
  await move(path, `${path}.1`);
}
