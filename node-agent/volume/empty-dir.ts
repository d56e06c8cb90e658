/** Directories that live as long as their pod: on disk, or in memory. */
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { value } from '#api/resources/quantity.ts';
import type { Pod, Volume } from '#api/resources/types.ts';

export interface TmpfsMounts {
  mountTmpfs(target: string, sizeBytes: number | undefined): Promise<void>;
  unmount(target: string): Promise<void>;
}

/** Whether a tmpfs is mounted on the directory: each is a device of its own. */
async function isMounted(dir: string): Promise<boolean> {
  const [own, above] = await Promise.all([lstat(dir), lstat(dirname(dir))]);
  return own.dev !== above.dev;
}

/** Makes the directory of an `emptyDir` volume, if it is not there yet. */
export async function makeEmptyDir(
  pod: Pod,
  volume: Volume,
  dir: string,
  mounts: TmpfsMounts,
): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const { medium, sizeLimit } = volume.emptyDir ?? {};
  if (medium === 'Memory' && !(await isMounted(dir))) {
    const size = sizeLimit === undefined ? undefined : value(sizeLimit);
    await mounts.mountTmpfs(dir, size);
  }
  const gid = pod.spec?.securityContext?.fsGroup;
  if (gid !== undefined) await chown(dir, 0, gid);
  // The umask takes bits from mkdir's mode, so it is set apart. 02000: new files belong to the group.
  await chmod(dir, gid === undefined ? 0o777 : 0o2777);
}

/** Makes the directory of a volume that shows Secrets or tokens: in memory, so that they never reach the disk. */
export async function makeSecretDir(dir: string, mounts: TmpfsMounts): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 });
  if (await isMounted(dir)) return;
  await mounts.mountTmpfs(dir, undefined);
  await chmod(dir, 0o755);
}
