/** Programs beside a container's first, signals to them, descriptors for them. */

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-exec')());

t.test('exec: as restricted as the container, by flags and by document', async (t) => {
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'host']);
  t.equal(await rig.ok(['exec', 'host', 'sh', '-c', 'hostname; echo $HOME']), 'bundle\n/root\n');
  t.equal((await rig.run(['exec', 'host', 'sh', '-c', 'exit 9'])).code, 9);
  const missing = await rig.run(['exec', 'host', 'nowhere']);
  t.equal(missing.code, 127);
  t.match(missing.stderr, /executable file not found/);
  t.equal(
    await rig.ok([
      'exec',
      '-u',
      '5:6',
      '-e',
      'A=b',
      '--cwd',
      '/tmp',
      'host',
      'sh',
      '-c',
      'id -u; id -g; echo $A; pwd',
    ]),
    '5\n6\nb\n/tmp\n',
  );
  t.match(await rig.ok(['exec', '-g', '7,8', '-g', '9', 'host', 'id', '-G']), '0 7 8 9\n');
  const document = `${rig.directory}/process.json`;
  const process = {
    cwd: '/',
    args: ['cat', '/proc/self/status'],
    user: { uid: 1, gid: 2, additionalGids: [7] },
  };
  writeFileSync(document, JSON.stringify(process));
  t.match(await rig.ok(['exec', '-p', document, 'host']), /Groups:\s+7\s+[\s\S]*CapBnd:\s+0+\n/);
  const pidFile = `${rig.directory}/exec-pid`;
  await rig.ok(['exec', '-d', '--pid-file', pidFile, 'host', 'sleep', '999']);
  t.match(readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/cmdline`, 'utf8'), 'sleep');
  t.match(await rig.ok(['ps', 'host']), 'sleep 999');
  await rig.ok(['delete', '-f', 'host']);
});

t.test('signals: to the first process, to all, by any name', async (t) => {
  const script =
    'trap "echo usr1" USR1; trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done';
  const { child, ended } = rig.start(['run', '-b', rig.bundle(['sh', '-c', script]), 'signals']);
  await until('running', async () =>
    (await rig.run(['state', 'signals'])).stdout.includes('running'),
  );
  const output = () => readFileSync(`/proc/${child.pid}/fd/1`, 'utf8');
  await until('ready', () => output().includes('ready'));
  await rig.ok(['kill', 'signals', 'SIGUSR1']);
  await until('usr1', () => output().includes('usr1'));
  t.match((await rig.run(['kill', 'signals', 'NOPE'])).stderr, /is no signal/);
  child.kill('SIGTERM'); // passed on
  t.equal((await ended).code, 3);
});

t.test('descriptors: those asked for, and no other', async (t) => {
  const bundle = rig.bundle(['sh', '-c', 'read x <&3; echo $x; cd /proc/self/fd; echo *']);
  const passwd = openSync(`${rig.rootfs}/etc/passwd`, 'r');
  t.equal(
    await rig.ok(['run', '--preserve-fds', '1', '-b', bundle, 'fds'], { more: [passwd, passwd] }),
    'root:x:0:0:root:/root:/bin/sh\n0 1 2 3 4\n',
  );
  t.match(
    (await rig.run(['run', '--preserve-fds', '2', '-b', bundle, 'fds'], { more: [passwd] })).stderr,
    /descriptor 4 is not open/,
  );
  closeSync(passwd);
});
