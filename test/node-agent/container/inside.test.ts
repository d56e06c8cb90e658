/** What a container's process sees of its surroundings. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import {
  containerSpec,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

const node = await startNode('inside');
t.teardown(() => stopNode(node));

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

t.test('the program is process 1 and sees no other', async (t) => {
  const { text } = await run(node, 'echo $$; ls /proc | grep -c "^[0-9]"');
  t.equal(lines(text)[0], '1');
  t.ok(Number(lines(text)[1]) <= 3, 'itself, ls, grep');
});

t.test('hostname, working directory, environment and user are those asked for', async (t) => {
  const script = 'hostname; pwd; echo "$FOO"; id -u; id -g; id -G; umask';
  const { text } = await run(node, script, {
    cwd: '/made/for/me',
    env: ['PATH=/bin', 'FOO=a b=c'],
    user: { uid: 1234, gid: 2345, groups: [2345, 7, 8] },
  });
  t.strictSame(lines(text), [
    'test-host',
    '/made/for/me',
    'a b=c',
    '1234',
    '2345',
    '2345 7 8',
    '0022',
  ]);
});

t.test("root has Docker's default capabilities, another user none", async (t) => {
  const status = 'grep -E "Cap(Prm|Eff|Bnd|Inh|Amb)|NoNewPrivs|Seccomp:" /proc/self/status';
  const root = await run(node, status);
  t.match(root.text, /CapEff:\t00000000a80425fb/);
  t.match(root.text, /CapBnd:\t00000000a80425fb/);
  t.match(root.text, /CapInh:\t0000000000000000/);
  t.match(root.text, /CapAmb:\t0000000000000000/);
  t.match(root.text, /NoNewPrivs:\t0/);
  const user = await run(node, status, {
    user: { uid: 5, gid: 5, groups: [] },
    noNewPrivileges: true,
    capabilities: ['CAP_KILL'],
  });
  t.match(user.text, /CapEff:\t0000000000000000/);
  t.match(user.text, /CapBnd:\t0000000000000020/);
  t.match(user.text, /NoNewPrivs:\t1/);
});

t.test('system calls that change the machine are refused, also as root', async (t) => {
  const script = `grep Seccomp: /proc/self/status; unshare -m true || echo no-unshare
    unshare -U true || echo no-userns; mount -t tmpfs x /tmp || echo no-mount
    mkdir /n && chroot / true && echo chroot; nsenter -t 1 -m true || echo no-setns; dmesg || echo no-dmesg`;
  const { text } = await run(node, script);
  t.match(text, /Seccomp:\t2/);
  for (const word of ['no-unshare', 'no-userns', 'no-mount', 'chroot', 'no-setns', 'no-dmesg'])
    t.match(text, new RegExp(`^${word}$`, 'm'));
  const admin = await run(
    node,
    'mount -t tmpfs x /tmp && echo mounted; unshare -m true && echo new',
    {
      capabilities: ['CAP_SYS_ADMIN'],
      noNewPrivileges: true,
    },
  );
  t.match(admin.text, /^mounted\nnew$/m);
  const privileged = await run(node, 'grep Seccomp: /proc/self/status', { privileged: true });
  t.match(privileged.text, /Seccomp:\t0/);
});

t.test('kernel interfaces are masked or read-only', async (t) => {
  // What the shell complains of is on the other stream, whose parts may come between these lines.
  const { text } = await run(
    node,
    `exec 2>/dev/null; ls /sys/firmware | wc -l; wc -c < /proc/keys; wc -c < /proc/timer_list
     echo 1 > /proc/sys/kernel/domainname || echo sys-ro
     touch /sys/x || echo sysfs-ro`,
  );
  t.strictSame(lines(text), ['0', '0', '0', 'sys-ro', 'sysfs-ro']);
});

t.test('the standard devices work and no other can be opened', async (t) => {
  const { text } = await run(
    node,
    `head -c 4 /dev/zero | wc -c; echo x > /dev/null && echo null; head -c 3 /dev/urandom | wc -c
     echo x > /dev/full || echo full
     mknod /tmp/disk b 254 0 && (head -c 1 /tmp/disk >/dev/null || echo denied)
     ls /dev; readlink /dev/fd; stat -c %a /dev/shm`,
  );
  const found = lines(text);
  const said = ['4', 'null', '3', 'full', 'denied'];
  t.ok(
    said.every((word) => found.includes(word)),
    text,
  );
  for (const name of ['pts', 'shm', 'mqueue', 'stdin', 'stdout', 'stderr', 'ptmx', 'tty'])
    t.ok(found.includes(name), name);
  t.ok(found.includes('/proc/self/fd'));
  t.ok(found.includes('1777'));
});

t.test(
  "a privileged container has every capability, the host's devices and a writable /sys",
  async (t) => {
    const { text } = await run(
      node,
      'grep CapEff /proc/self/status; ls /dev; grep " /sys " /proc/mounts; wc -c < /proc/timer_list',
      { privileged: true },
    );
    t.match(text, /CapEff:\t000001ff[0-9a-f]{8}/);
    t.match(text, /^kmsg$/m);
    t.match(text, /sysfs \/sys sysfs rw/);
  },
);

t.test('a read-only root refuses writes, its tmpfs and volumes do not', async (t) => {
  const volume = `${node.directory}/volume`;
  mkdirSync(volume);
  writeFileSync(`${volume}/file`, 'from the host\n');
  const { text } = await run(
    node,
    `touch /x 2>/dev/null || echo root-ro; touch /scratch/y && echo tmpfs; cat /data/file
     echo back > /data/out; touch /fixed/z 2>/dev/null || echo volume-ro; cat /etc/one
     df -k /scratch | tail -1 | awk '{print $2}'`,
    {
      readonlyRootfs: true,
      mounts: [
        { type: 'tmpfs', target: '/scratch', readonly: false, sizeBytes: 1 << 20 },
        { type: 'bind', source: volume, target: '/data', readonly: false },
        { type: 'bind', source: volume, target: '/fixed', readonly: true },
        { type: 'bind', source: `${volume}/file`, target: '/etc/one', readonly: true },
      ],
    },
  );
  t.strictSame(lines(text), [
    'root-ro',
    'tmpfs',
    'from the host',
    'volume-ro',
    'from the host',
    '1024',
  ]);
});

t.test('a link in the image does not lead a mount out of the container', async (t) => {
  const evil = `${node.directory}/evil`;
  const outside = `${node.directory}/outside`;
  mkdirSync(outside);
  mkdirSync(`${evil}/etc`, { recursive: true });
  symlinkSync(outside, `${evil}/way`);
  const volume = `${node.directory}/volume`;
  const { text } = await run(node, `cat ${outside}/in/file; ls /way/in`, {
    layers: [node.layer, evil],
    mounts: [{ type: 'bind', source: volume, target: '/way/in', readonly: true }],
  });
  t.match(text, /from the host/, 'resolved inside the container');
  t.strictSame(readdirSync(outside), [], 'nothing was made on the host');
});

t.test('an image whose /dev, /proc or /sys is a link is refused', async (t) => {
  for (const name of ['dev', 'proc', 'sys']) {
    const image = `${node.directory}/linked-${name}`;
    mkdirSync(`${image}/bin`, { recursive: true });
    symlinkSync('/bin', `${image}/${name}`);
    const refused = run(node, 'true', { layers: [image] });
    await t.rejects(refused, { name: 'StartError', message: new RegExp(`/${name}: `) });
  }
});

t.test('the scheduler, signals and limits are as a fresh process has them', async (t) => {
  const { text } = await run(
    node,
    'cut -d" " -f19,41 /proc/self/stat; grep -E "Sig(Blk|Ign)" /proc/self/status; ulimit -n',
  );
  const [scheduler, blocked, ignored, files] = lines(text);
  t.equal(scheduler, '0 0', 'nice 0, SCHED_OTHER');
  t.match(blocked, /\t0+$/);
  t.match(ignored, /\t0+$/);
  t.ok(Number(files) >= 1024);
});

t.test('no descriptor of the host is open in the container', async (t) => {
  const { text } = await run(node, 'ls -l /proc/self/fd | grep -- "->"');
  const open = lines(text).map((line) => line.split(/\s+/).slice(-3).join(' '));
  t.equal(open.filter((line) => !/^[012] -> (\/dev\/null|pipe:)/.test(line)).length, 1, text);
});

t.test('limits of processes hold', async (t) => {
  const { text } = await run(node, 'for i in 1 2 3 4 5 6; do sleep 1 & done; wait; echo done', {
    resources: { pids: { limit: 4 } },
  });
  t.match(text, /can't fork/);
});

t.test("the writable layer is the container's, the image stays as it was", async (t) => {
  const first = await run(node, 'echo mine > /etc/passwd; rm /etc/not-executable; ls /etc');
  t.notMatch(first.text, /not-executable/);
  const second = await run(node, 'cat /etc/passwd; ls /etc');
  t.match(second.text, /root:x:0:0/);
  t.match(second.text, /not-executable/);
});

t.test('containers of one sandbox share ipc and hostname; others do not', async (t) => {
  const sandboxes = [sandboxSpec(node), sandboxSpec(node)];
  for (const sandbox of sandboxes) await node.runtime.createSandbox(sandbox);
  const [first, second] = sandboxes.map(({ id }) => id) as [string, string];
  const script = 'for n in ipc uts net pid mnt; do readlink /proc/self/ns/$n; done; sleep 1000';
  const specs = [first, first, second].map((id) =>
    containerSpec(node, id, { args: ['sh', '-c', script] }),
  );
  for (const spec of specs) await node.runtime.start(spec);
  const said = (path: string) => lines(logText(path));
  await until('all to speak', () => specs.every(({ logPath }) => said(logPath).length === 5));
  const [one, two, other] = specs.map(({ logPath }) => said(logPath)) as [
    string[],
    string[],
    string[],
  ];
  t.strictSame(one.slice(0, 3), two.slice(0, 3), 'ipc, uts, net');
  t.not(one[3], two[3], 'pid');
  t.not(one[4], two[4], 'mnt');
  t.not(one[0], other[0], 'ipc');
  t.not(one[1], other[1], 'uts');
  for (const { id } of sandboxes) await node.runtime.removeSandbox(id);
  for (const { id } of specs) await node.runtime.remove(id);
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
