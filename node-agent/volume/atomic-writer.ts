/**
 * Writes a set of files so that a reader sees either all of the old or all of the new: kubelet's atomic writer
 * (pkg/volume/util/atomic_writer.go).
 *
 *     <dir>/..2026_01_02_15_04_05.123456789/   the real files
 *     <dir>/..data -> ..2026_01_02_…           swapped by rename(2)
 *     <dir>/<name> -> ..data/<name>            one link per first path component
 */
import { randomBytes } from 'node:crypto';
import * as sync from 'node:fs';
import * as disk from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PayloadFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** Files by their path below the volume: `a.conf`, `sub/b.conf`. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const dataLink = '..data';

export interface PayloadOptions {
  /** Who else may read (`fsGroup`). */
  readonly gid?: number | undefined;
  /** `dir` is in memory: there a call takes less than handing it to another thread, and none waits for a disk. */
  readonly inMemory?: boolean;
}

/** The calls of `node:fs` that are used here, waited for or not. */
type Calls = Pick<
  typeof disk,
  | 'chmod'
  | 'chown'
  | 'mkdir'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'stat'
  | 'symlink'
  | 'writeFile'
>;

/** Each at once, its failure as a rejection. */
const now =
  <A extends unknown[], R>(call: (...args: A) => R) =>
  async (...args: A): Promise<R> =>
    call(...args);

const memory = {
  chmod: now(sync.chmodSync),
  chown: now(sync.chownSync),
  mkdir: now(sync.mkdirSync),
  readdir: now(sync.readdirSync),
  readFile: now(sync.readFileSync),
  readlink: now(sync.readlinkSync),
  rename: now(sync.renameSync),
  rm: now(sync.rmSync),
  stat: now(sync.statSync),
  symlink: now(sync.symlinkSync),
  writeFile: now(sync.writeFileSync),
} as Calls;

/** Brings `dir` to hold exactly `payload`; does nothing when it does. */
export async function writePayload(
  dir: string,
  payload: Payload,
  { gid, inMemory = false }: PayloadOptions = {},
): Promise<void> {
  const calls: Calls = inMemory ? memory : disk;
  const current = await calls.readlink(join(dir, dataLink)).catch(() => undefined);
  if (current !== undefined && (await isSame(calls, join(dir, current), payload))) return;
  const version = versionName(new Date());
  const root = join(dir, version);
  const folders = new Set([root, ...[...payload.keys()].map((path) => dirname(join(root, path)))]);
  for (const folder of folders) await calls.mkdir(folder, { recursive: true, mode: 0o755 });
  // Side by side: a pod's start waits for them.
  await Promise.all(
    [...payload].map(([path, file]) => writeOne(calls, join(root, path), file, gid)),
  );
  await calls.symlink(version, join(dir, '..data_tmp')).catch(async () => {
    // Left behind by a crash between the two calls.
    await calls.rm(join(dir, '..data_tmp'), { force: true });
    await calls.symlink(version, join(dir, '..data_tmp'));
  });
  await calls.rename(join(dir, '..data_tmp'), join(dir, dataLink));
  await linkNames(calls, dir, payload);
  if (current !== undefined) await calls.rm(join(dir, current), { recursive: true, force: true });
}

async function writeOne(
  calls: Calls,
  path: string,
  file: PayloadFile,
  gid: number | undefined,
): Promise<void> {
  await calls.writeFile(path, file.content, { flag: 'wx', mode: 0o600 });
  if (gid !== undefined) await calls.chown(path, 0, gid);
  await calls.chmod(path, file.mode);
}

async function isSame(calls: Calls, version: string, payload: Payload): Promise<boolean> {
  const entries = await calls
    .readdir(version, { recursive: true, withFileTypes: true })
    .catch(() => []);
  if (entries.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [path, { content, mode }] of payload) {
    const file = join(version, path);
    const found = await calls.readFile(file).catch(() => undefined);
    if (found === undefined || !found.equals(content)) return false;
    if (((await calls.stat(file)).mode & 0o7777) !== mode) return false;
  }
  return true;
}

async function linkNames(calls: Calls, dir: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  const present = (await calls.readdir(dir)).filter((name) => !name.startsWith('..'));
  for (const name of present) {
    if (!wanted.has(name)) await calls.rm(join(dir, name), { force: true });
    wanted.delete(name);
  }
  await Promise.all(
    [...wanted].map((name) => calls.symlink(join(dataLink, name), join(dir, name))),
  );
}

function versionName(now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '_');
  return `..${stamp}.${randomBytes(5).readUIntBE(0, 5) % 1_000_000_000}`;
}
