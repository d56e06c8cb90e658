/**
 * The logs of a Container's earlier Pods, below what is kept of it: docker's stay as long as the container does. A log comes
 * here when its Pod has gone, named by the moment it was written last.
 */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of so many earlier runs; each is no longer than a log may be. */
const keptMost = 5;

const folder = (dir: string): string => join(dir, 'log');
/** Sorted by name they are in the order of time. */
const nameOf = (writtenMs: number, attempt: number): string =>
  `${String(Math.trunc(writtenMs)).padStart(15, '0')}-${String(attempt).padStart(6, '0')}.log`;

/** Paths of the logs that are kept in a Container's directory, the oldest first. */
export async function keptLogs(dir: string): Promise<readonly string[]> {
  const names = await readdir(folder(dir)).catch((): string[] => []);
  return names.sort().map((name) => join(folder(dir), name));
}

/** Moves a log there; one that is not there, or empty, or of a Container that has gone, is nothing to keep. */
export async function keepLog(dir: string, path: string, attempt: number): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined || facts.size === 0) return;
  try {
    await mkdir(folder(dir), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rename(path, join(folder(dir), nameOf(facts.mtimeMs, attempt)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const all = await keptLogs(dir);
  await Promise.all(all.slice(0, -keptMost).map((old) => rm(old, { force: true })));
}
