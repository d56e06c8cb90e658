/**
 * Writes a set of files so that a reader sees either all of the old or all of the new: kubelet's atomic writer
 * (pkg/volume/util/atomic_writer.go).
 *
 *     <dir>/..2026_01_02_15_04_05.123456789/   the real files
 *     <dir>/..data -> ..2026_01_02_…           swapped by rename(2)
 *     <dir>/<name> -> ..data/<name>            one link per first path component
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PayloadFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** Files by their path below the volume: `a.conf`, `sub/b.conf`. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const dataLink = '..data';

/** Brings `dir` to hold exactly `payload`; does nothing when it does. `gid`: who else may read (`fsGroup`). */
export async function writePayload(dir: string, payload: Payload, gid?: number): Promise<void> {
  const current = await readlink(join(dir, dataLink)).catch(() => undefined);
  if (current !== undefined && (await isSame(join(dir, current), payload))) return;
  const version = versionName(new Date());
  const folders = new Set([...payload.keys()].map((path) => dirname(join(dir, version, path))));
  await mkdir(join(dir, version), { recursive: true, mode: 0o755 });
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o755 });
  // Side by side: a pod's start waits for them.
  await Promise.all(
    [...payload].map(([path, file]) => writeOne(join(dir, version, path), file, gid)),
  );
  await symlink(version, join(dir, '..data_tmp')).catch(async () => {
    // Left behind by a crash between the two calls.
    await rm(join(dir, '..data_tmp'), { force: true });
    await symlink(version, join(dir, '..data_tmp'));
  });
  await rename(join(dir, '..data_tmp'), join(dir, dataLink));
  await linkNames(dir, payload);
  if (current !== undefined) await rm(join(dir, current), { recursive: true, force: true });
}

async function writeOne(path: string, file: PayloadFile, gid: number | undefined): Promise<void> {
  await writeFile(path, file.content, { flag: 'wx', mode: 0o600 });
  if (gid !== undefined) await chown(path, 0, gid);
  await chmod(path, file.mode);
}

async function isSame(version: string, payload: Payload): Promise<boolean> {
  const entries = await readdir(version, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [path, { content, mode }] of payload) {
    const file = join(version, path);
    const found = await readFile(file).catch(() => undefined);
    if (found === undefined || !found.equals(content)) return false;
    if (((await stat(file)).mode & 0o7777) !== mode) return false;
  }
  return true;
}

async function linkNames(dir: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  const present = (await readdir(dir)).filter((name) => !name.startsWith('..'));
  for (const name of present) {
    if (!wanted.has(name)) await rm(join(dir, name), { force: true });
    wanted.delete(name);
  }
  await Promise.all([...wanted].map((name) => symlink(join(dataLink, name), join(dir, name))));
}

function versionName(now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '_');
  return `..${stamp}.${randomBytes(5).readUIntBE(0, 5) % 1_000_000_000}`;
}
