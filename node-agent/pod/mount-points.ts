/** Places to mount on, which an image may lack. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** A directory with what is mounted on in every container; resolves with it. Safe to repeat. */
export async function makeMountPoints(dir: string): Promise<string> {
  for (const name of ['dev', 'etc', 'proc', 'sys']) {
    await mkdir(join(dir, name), { recursive: true, mode: 0o755 });
  }
  for (const name of ['hosts', 'hostname', 'resolv.conf']) {
    await (await open(join(dir, 'etc', name), 'a', 0o644)).close();
  }
  return dir;
}
