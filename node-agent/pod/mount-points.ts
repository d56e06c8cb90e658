/** Places to mount on, which an image may lack. */
import { mkdir, open, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/** A directory with what is mounted on in every container, and docker's `/etc/mtab`; resolves with it. Safe to repeat. */
export async function makeMountPoints(dir: string): Promise<string> {
  for (const name of ['dev', 'etc', 'proc', 'sys']) {
    await mkdir(join(dir, name), { recursive: true, mode: 0o755 });
  }
  for (const name of ['hosts', 'hostname', 'resolv.conf']) {
    await (await open(join(dir, 'etc', name), 'a', 0o644)).close();
  }
  await symlink('/proc/mounts', join(dir, 'etc', 'mtab')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return dir;
}
