/** A container in a mount namespace that others have, too: `linux.namespaces[].path` of type `mount`. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-joined')());
let count = 0;

/** A process in a mount namespace of its own, where `/mnt` has a file of its own. */
async function other(): Promise<ChildProcess> {
  const script =
    'mount -t tmpfs t /mnt && echo theirs > /mnt/note && echo ready && exec sleep 1000';
  const words = ['-m', '--propagation', 'private', 'sh', '-c', script];
  const child = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout as never, 'data');
  return child;
}

const joining = (path: string, more: readonly object[] = []) => ({
  linux: {
    namespaces: [
      ...namespaces.map(({ type }) => (type === 'mount' ? { type, path } : { type })),
      ...more,
    ],
  },
});
const run = (script: string, change: object) =>
  rig.run(['run', '-b', rig.bundle(['sh', '-c', script], change as never), `join${count++}`]);

t.test('it is in that namespace, and sees its own root with its mounts', async (t) => {
  const child = await other();
  const path = `/proc/${child.pid}/ns/mnt`;
  const look =
    'readlink /proc/self/ns/mnt; ls /; cat /mnt/note 2>&1; pwd; wc -l < /proc/self/mounts';
  const { code, stdout, stderr } = await run(look, joining(path));
  t.equal(code, 0, stderr);
  t.match(stdout, `${readlinkSync(path)}\n`);
  t.match(stdout, /^bin\n(.*\n)*dev\n/m);
  t.match(stdout, /'\/mnt\/note': No such file/, 'their files are not below its root');
  t.match(stdout, /^\/$/m);
});

t.test('what it mounts is seen by those who have the namespace, and by nobody else', async (t) => {
  const child = await other();
  const before = readFileSync('/proc/self/mountinfo', 'utf8');
  await rig.ok([
    'run',
    '-d',
    '-b',
    rig.bundle(['sleep', '1000'], joining(`/proc/${child.pid}/ns/mnt`)),
    'both',
  ]);
  const theirs = readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8');
  t.match(theirs, ` ${rig.rootfs}/proc `);
  t.equal(readFileSync('/proc/self/mountinfo', 'utf8'), before);
  t.equal(readlinkSync(`/proc/${child.pid}/root`), '/', 'their root is as it was');
  const exec = await rig.run([
    'exec',
    'both',
    'sh',
    '-c',
    'readlink /proc/self/ns/mnt; ls -d /bin/busybox /mnt',
  ]);
  t.match(exec.stdout, readlinkSync(`/proc/${child.pid}/ns/mnt`));
  t.match(exec.stdout, '/bin/busybox\n', 'exec has the container’s root');
  t.match(exec, { code: 1, stderr: /\/mnt: No such file/ });
  await rig.ok(['delete', '-f', 'both']);
});

/** What is mounted on the root and below; what other tests mount comes and goes. */
const mountsOf = ({ pid }: ChildProcess) =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${rig.rootfs}`))
    .join('\n');

t.test('with the container goes what it has mounted, also when it could not be made', async (t) => {
  const child = await other();
  const before = mountsOf(child);
  const path = `/proc/${child.pid}/ns/mnt`;
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], joining(path)), 'leaves']);
  t.not(mountsOf(child), before);
  await rig.ok(['delete', '-f', 'leaves']);
  t.equal(mountsOf(child), before);
  t.equal((await run('exit 3', joining(path))).code, 3);
  t.equal(mountsOf(child), before, 'after its own end');
  const { code } = await rig.run(['run', '-b', rig.bundle(['/no/program'], joining(path)), 'none']);
  t.equal(code, 127);
  t.equal(mountsOf(child), before, 'after a program that is not there');
});

t.test('what was mounted there by others stays, and so does what they put over it', async (t) => {
  const child = await other();
  const path = `/proc/${child.pid}/ns/mnt`;
  const there = (...words: string[]) =>
    execFileSync('nsenter', [`--mount=${path}`, 'mount', ...words], { stdio: 'pipe' });
  there('--bind', rig.rootfs, rig.rootfs);
  const before = mountsOf(child);
  const start = (id: string) =>
    rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], joining(path)), id]);
  await start('over');
  await rig.ok(['delete', '-f', 'over']);
  t.equal(mountsOf(child), before);
  await start('under');
  there('-t', 'tmpfs', 'later', rig.rootfs);
  await rig.ok(['delete', '-f', 'under']);
  t.match(mountsOf(child), ` ${rig.rootfs} rw,relatime - tmpfs later `);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

t.test('a namespace that is gone takes its mounts along', async (t) => {
  const child = await other();
  const path = `/proc/${child.pid}/ns/mnt`;
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], joining(path)), 'last']);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.match(await rig.run(['delete', '-f', 'last']), { code: 0, stderr: '' });
});

t.test('masks and read-only paths are as in any other', async (t) => {
  const child = await other();
  const { linux } = joining(`/proc/${child.pid}/ns/mnt`);
  const change = { linux: { ...linux, maskedPaths: ['/etc/passwd'], readonlyPaths: ['/tmp'] } };
  const { stdout } = await run('wc -c < /etc/passwd; touch /tmp/x 2>&1', change);
  t.match(stdout, /^0\n.*Read-only file system\n$/);
});

t.test('what cannot be joined is refused by its field, and leaves nothing', async (t) => {
  const own = await run('true', joining('/proc/self/ns/mnt'));
  t.match(own, { code: 1, stderr: /linux\.namespaces\[4\]\.path: .*is the host's own/ });
  const missing = await run('true', joining('/proc/1/ns/no-such'));
  t.match(missing, { code: 1, stderr: /linux\.namespaces\[4\]\.path: .* does not exist/ });
  const kind = await run('true', joining('/proc/self/ns/net'));
  t.match(kind, { code: 1, stderr: /join namespace \/proc\/self\/ns\/net: Invalid argument/i });
  const child = await other();
  const user = await run('true', joining(`/proc/${child.pid}/ns/mnt`, [{ type: 'user' }]));
  t.match(user, { code: 1, stderr: /a mount namespace that is joined cannot belong to a user/ });
  t.equal(await rig.ok(['list', '-q']), '');
});

t.test('hooks of each kind run there', async (t) => {
  const child = await other();
  const log = `${rig.directory}/hooks`;
  const hook = (name: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `echo ${name} $(readlink /proc/self/ns/mnt) >> ${log}`],
  });
  const inside = { path: '/bin/sh', args: ['sh', '-c', 'ls /bin/busybox > /tmp/started'] };
  const change = {
    ...joining(`/proc/${child.pid}/ns/mnt`),
    hooks: { createContainer: [hook('created')], startContainer: [inside] },
  };
  const { code, stdout, stderr } = await run('cat /tmp/started', change);
  t.equal(code, 0, stderr);
  t.equal(stdout, '/bin/busybox\n');
  t.equal(readFileSync(log, 'utf8'), `created ${readlinkSync(`/proc/${child.pid}/ns/mnt`)}\n`);
});
