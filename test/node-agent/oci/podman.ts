/** podman on storage of its own, with us as its runtime. */

import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { busyboxLayer } from '../container/node.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const { NODE_OPTIONS: _, ...env } = process.env;
const directory = scratch('podman')();

/** Runs a program to its end. Not where we are: conmon leaves a file `oom` wherever it was started. */
export const said = (program: string, ...words: readonly string[]): Promise<Said> =>
  promisify(execFile)(program, words, { env, cwd: directory }).then(
    (end) => ({ code: 0, ...end }),
    (error: Said) => error,
  );

export const image = 'localhost/busybox';

/** Ends the test file, with the reason, where there is no podman. */
export function needsPodman(): void {
  needsRoot();
  if (existsSync('/usr/bin/podman')) return;
  t.pass('skipped', { skip: 'needs podman' });
  process.exit();
}

/** A podman with an image of a busybox; what it ran is removed when the test ends. */
export async function startPodman() {
  // Its commands take a second each where others work, too.
  t.setTimeout(180_000);
  const runtime = `${directory}/bay-oci`;
  symlinkSync(new URL('../../../bay', import.meta.url).pathname, runtime);
  mkdirSync(`${directory}/run`);
  const flags = [
    ['--root', `${directory}/root`],
    ['--runroot', `${directory}/run`],
    ['--storage-driver', 'vfs'],
    ['--cgroup-manager', 'cgroupfs'],
    ['--events-backend', 'none'],
    ['--runtime', runtime],
  ].flat();
  const podman = (...words: readonly string[]) => said('podman', ...flags, ...words);
  t.teardown(() => podman('rm', '-af', '-t', '0'));
  const layer = busyboxLayer(directory);
  chmodSync(`${layer}/tmp`, 0o1777);
  const tar = `${directory}/rootfs.tar`;
  await said('tar', '-C', layer, '-cf', tar, '.');
  const { code, stderr } = await podman('import', tar, image);
  if (code !== 0) throw new Error(`podman import: ${stderr}`);
  const run = (...words: readonly string[]) => podman('run', '--network', 'none', ...words);
  return { directory, flags, podman, run };
}
