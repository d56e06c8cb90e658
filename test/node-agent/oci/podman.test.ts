/** podman with us as its runtime: its containers run, and end as it expects. */

import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { image, needsPodman, startPodman } from './podman.ts';

needsPodman();
const { directory, podman, run } = await startPodman();

t.test('run: output and exit codes', async (t) => {
  const { code, stdout } = await run('--rm', image, 'sh', '-c', 'hostname; exit 7');
  t.equal(code, 7);
  t.match(stdout, /^[0-9a-f]{12}\n$/);
  const missing = await run('--rm', image, 'nowhere');
  t.equal(missing.code, 127);
  t.match(missing.stderr, /executable file not found in \$PATH/);
  t.equal((await run('--rm', image, '/etc/not-executable')).code, 126);
});

t.test('run: user, limits, volumes, read-only roots, tmpfs, an init', async (t) => {
  const show =
    'id -u; touch /x 2>&1; cat /data/file; ulimit -n; cat /proc/1/comm; touch /tmp/y && echo ok';
  mkdirSync(`${directory}/volume`);
  writeFileSync(`${directory}/volume/file`, 'from a volume\n');
  const options = [
    '--user',
    '1000',
    '--read-only',
    '--ulimit',
    'nofile=100:100',
    '--tmpfs',
    '/tmp',
  ];
  const volume = ['-v', `${directory}/volume:/data:ro`];
  const { stdout } = await run('--rm', ...options, ...volume, image, 'sh', '-c', show);
  const lines = stdout.split('\n');
  t.equal(lines[0], '1000');
  t.match(lines[1], /Read-only file system/);
  t.strictSame(lines.slice(2, 6), ['from a volume', '100', 'sh', 'ok']);
});

t.test('in the background: exec, pause, stop, logs, rm', async (t) => {
  const loop = 'trap "exit 0" TERM; echo started; while :; do sleep 0.1; done';
  t.equal((await run('-d', '--name', 'one', image, 'sh', '-c', loop)).code, 0);
  const exec = await podman('exec', 'one', 'sh', '-c', 'echo beside; exit 4');
  t.equal(exec.code, 4);
  t.equal(exec.stdout, 'beside\n');
  t.equal((await podman('pause', 'one')).code, 0);
  t.match((await podman('ps', '-a', '--format', '{{.Status}}')).stdout, /Paused/i);
  t.equal((await podman('unpause', 'one')).code, 0);
  t.equal((await podman('stop', '-t', '10', 'one')).code, 0);
  t.match((await podman('logs', 'one')).stdout, 'started');
  t.match((await podman('ps', '-a', '--format', '{{.Status}}')).stdout, /Exited \(0\)/);
  t.equal((await podman('rm', 'one')).code, 0);
});
