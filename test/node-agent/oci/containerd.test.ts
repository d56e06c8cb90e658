/** containerd with us as the runtime of its shim: its containers run, and end as it expects. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { dockerArchive } from '../../support/image-archives.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';
import { busyboxLayer, until } from '../container/node.ts';
import { said } from './podman.ts';

needsRoot();
const isThere = (program: string) => spawnSync(program, ['--version']).status === 0;
if (!isThere('containerd') || !isThere('ctr')) {
  t.pass('skipped', { skip: 'needs containerd' });
  process.exit();
}
// Its commands take a second each where others work, too.
t.setTimeout(180_000);
const directory = scratch('containerd')();
const address = `${directory}/containerd.sock`;
const ctr = (...words: readonly string[]) => said('ctr', '--address', address, ...words);
const image = 'docker.io/library/busybox:1';

/** One of its own, with no more than containers need. */
async function startContainerd(): Promise<ChildProcess> {
  const others = ['btrfs', 'zfs', 'aufs', 'devmapper'].map((name) => `snapshotter.v1.${name}`);
  const disabled = ['grpc.v1.cri', ...others].map((name) => `"io.containerd.${name}"`);
  const config = [
    'version = 2',
    `root = "${directory}/root"`,
    `state = "${directory}/state"`,
    `disabled_plugins = [${disabled.join(', ')}]`,
    '[grpc]',
    `address = "${address}"`,
  ];
  writeFileSync(`${directory}/config.toml`, config.join('\n'));
  const child = spawn('containerd', ['--config', `${directory}/config.toml`], { stdio: 'ignore' });
  await until('containerd answers', async () => (await ctr('version')).code === 0);
  return child;
}

async function importImage(): Promise<void> {
  const layer = `${directory}/layer.tar`;
  spawnSync('tar', ['-C', busyboxLayer(directory), '-cf', layer, '.']);
  const config = { Env: ['PATH=/bin'], User: '1000:1001', Cmd: ['sh'] };
  const parts = { layers: [readFileSync(layer)], config, tags: [image] };
  writeFileSync(`${directory}/image.tar`, tar(dockerArchive([parts])));
  const { code, stderr } = await ctr(
    'images',
    'import',
    '--snapshotter',
    'native',
    `${directory}/image.tar`,
  );
  if (code !== 0) throw new Error(`ctr images import: ${stderr}`);
}

const daemon = await startContainerd();
t.teardown(async () => {
  for (const id of (await ctr('tasks', 'ls', '-q')).stdout.split('\n').filter(Boolean)) {
    await ctr('tasks', 'delete', '--force', id);
  }
  daemon.kill();
  await once(daemon, 'exit');
});
await importImage();
const runtime = `${directory}/bay-oci`;
symlinkSync(new URL('../../../bay', import.meta.url).pathname, runtime);
const flags = [
  ['--snapshotter', 'native'],
  ['--runtime', 'io.containerd.runc.v2'],
  ['--runc-binary', runtime],
  ['--runc-root', `${directory}/runtime`],
].flat();
const run = (options: readonly string[], id: string, ...args: readonly string[]) =>
  ctr('run', ...flags, ...options, image, id, ...args);

t.test('run: output and exit codes', async (t) => {
  const { code, stdout, stderr } = await run(['--rm'], 'one', 'sh', '-c', 'echo hello; exit 7');
  t.match({ code, stdout }, { code: 7, stdout: 'hello\n' }, stderr);
  const missing = await run(['--rm'], 'missing', 'nowhere');
  t.equal(missing.code, 1);
  t.match(missing.stderr, /executable file not found/);
});

t.test('run: user, environment, read-only root, mounts, capabilities, filter', async (t) => {
  mkdirSync(`${directory}/volume`);
  writeFileSync(`${directory}/volume/file`, 'of a volume\n');
  const volume = `type=bind,src=${directory}/volume,dst=/data,options=rbind:ro`;
  const options = [
    ['--env', 'X=y', '--read-only', '--mount', volume],
    ['--cap-drop', 'CAP_CHOWN', '--seccomp'],
  ].flat();
  const script =
    'id -u; id -g; echo $X; touch /x 2>&1; cat /data/file; touch /data/x 2>&1; grep ^Seccomp: /proc/self/status';
  const { stdout, stderr } = await run(['--rm', ...options], 'options', 'sh', '-c', script);
  const lines = stdout.trim().split('\n');
  t.strictSame(lines.slice(0, 3), ['1000', '1001', 'y'], stderr);
  t.match(lines.slice(3, 6), [/Read-only file/, 'of a volume', /Read-only file/]);
  t.match(lines.at(-1), /^Seccomp:\t2$/);
});

t.test('a task: exec, pause, figures, signals, the end', async (t) => {
  const loop = 'trap "exit 9" TERM; while :; do sleep 0.1; done';
  t.equal((await run(['-d', '--memory-limit', String(64 << 20)], 'two', 'sh', '-c', loop)).code, 0);
  const status = async () => (await ctr('tasks', 'ls')).stdout;
  t.match(await status(), /two +\d+ +RUNNING/);
  const exec = (id: string, ...words: string[]) =>
    ctr('tasks', 'exec', '--exec-id', id, 'two', ...words);
  t.match(await exec('e1', 'sh', '-c', 'echo beside; exit 4'), { code: 4, stdout: 'beside\n' });
  t.match(await exec('e2', 'nowhere'), { code: 1, stderr: /executable file not found/ });
  t.equal((await ctr('tasks', 'pause', 'two')).code, 0);
  t.match(await status(), /two +\d+ +PAUSED/);
  t.equal((await ctr('tasks', 'resume', 'two')).code, 0);
  t.match(await status(), /two +\d+ +RUNNING/);
  t.match((await ctr('tasks', 'ps', 'two')).stdout, /^\d+ +-$/m);
  t.match((await ctr('tasks', 'metrics', 'two')).stdout, /limit\S* +67108864 *$/m);
  t.equal((await ctr('tasks', 'kill', '-s', 'SIGTERM', 'two')).code, 0);
  await until('it has ended', async () => /two +\d+ +STOPPED/.test(await status()));
  const ended = await ctr('tasks', 'delete', 'two');
  t.match(ended.stderr, /exit code 9/);
  t.equal((await ctr('containers', 'delete', 'two')).code, 0);
});

t.test('a second container in the namespaces of the first', async (t) => {
  t.equal((await run(['-d'], 'three', 'sleep', '1000')).code, 0);
  const pid = /three +(\d+)/.exec((await ctr('tasks', 'ls')).stdout)?.[1];
  const shared = [
    '--with-ns',
    `network:/proc/${pid}/ns/net`,
    '--with-ns',
    `ipc:/proc/${pid}/ns/ipc`,
  ];
  const script = 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc';
  const { stdout } = await run(['--rm', ...shared], 'four', 'sh', '-c', script);
  const own = await said('readlink', `/proc/${pid}/ns/net`, `/proc/${pid}/ns/ipc`);
  t.equal(stdout, own.stdout);
  t.match((await ctr('tasks', 'delete', '--force', 'three')).stderr, /exit code 137/);
});
