/** What a bundle's program sees (config.md, config-linux.md): a line of the checklist, a look from inside. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-inside')());
let count = 0;

/** The output of a script in a container of the usual bundle with changes. */
const see = (script: string, change: object = {}): Promise<string> =>
  rig.ok(['run', '-b', rig.bundle(['sh', '-c', script], change as never), `see${count++}`]);

const mounts = (...more: object[]) => ({
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, ...more],
});

t.test('process: user, groups, umask, cwd, environment', async (t) => {
  const script = 'id -u; id -g; grep ^Groups /proc/self/status; umask; pwd; echo $X';
  const process = {
    user: { uid: 7, gid: 8, additionalGids: [9, 10], umask: 0o77 },
    cwd: '/new/dir',
    env: ['PATH=/bin', 'X=y z'],
  };
  t.equal(await see(script, { process }), '7\n8\nGroups:\t9 10 \n0077\n/new/dir\ny z\n');
});

t.test(
  'process: five sets of capabilities, no_new_privs; unknown names are warned about',
  async (t) => {
    const one = ['CAP_CHOWN'];
    const two = ['CAP_CHOWN', 'CAP_KILL'];
    const capabilities = {
      bounding: [...two, 'CAP_NOT_KNOWN'],
      permitted: two,
      effective: one,
      inheritable: one,
      ambient: one,
    };
    const bundle = rig.bundle(['sh', '-c', 'grep -E "^(Cap|NoNew)" /proc/self/status'], {
      process: { capabilities, user: { uid: 5, gid: 5 } },
    });
    const { stdout, stderr } = await rig.run(['run', '-b', bundle, 'caps']);
    const bits = (set: number) => set.toString(16).padStart(16, '0');
    t.equal(
      stdout,
      `CapInh:\t${bits(1)}\nCapPrm:\t${bits(1)}\nCapEff:\t${bits(1)}\nCapBnd:\t${bits(0x21)}\nCapAmb:\t${bits(1)}\nNoNewPrivs:\t1\n`,
      'as the kernel computes them for another user than root',
    );
    t.match(stderr, /warning.*CAP_NOT_KNOWN is unknown/);
  },
);

t.test('process: limits, oom score, priorities, personality', async (t) => {
  const process = {
    rlimits: [
      { type: 'RLIMIT_CORE', soft: 3, hard: 5 },
      { type: 'RLIMIT_NOFILE', soft: 77, hard: 99 },
    ],
    oomScoreAdj: 321,
    scheduler: { policy: 'SCHED_BATCH', nice: 5 },
    ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 },
  };
  const script =
    'grep -E "core|open" /proc/self/limits | tr -s " "; cat /proc/self/oom_score_adj; cut -d" " -f19,41 /proc/1/stat; ionice -p 1; uname -m';
  const seen = await see(script, { process, linux: { personality: { domain: 'LINUX32' } } });
  t.match(seen, /Max core file size 3 5/);
  t.match(seen, /Max open files 77 99/);
  t.match(seen, /\n321\n5 3\nidle/);
  t.match(seen, /i686/);
});

t.test(
  "namespaces: new ones, those joined by path, and the caller's where none is named",
  async (t) => {
    const script = 'for n in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done';
    const own = (await see(script)).trim().split('\n');
    const { readlinkSync } = await import('node:fs');
    const here = ['pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup'].map((name) =>
      readlinkSync(`/proc/self/ns/${name}`),
    );
    for (const [index, name] of own.entries()) t.not(name, here[index]);
    await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'owner']);
    const { pid } = await rig.state('owner');
    const joined = namespaces.map(({ type }) =>
      type === 'network' ? { type, path: `/proc/${pid}/ns/net` } : { type },
    );
    t.equal(
      (await see(script, { linux: { namespaces: joined } })).split('\n')[1],
      readlinkSync(`/proc/${pid}/ns/net`),
    );
    await rig.ok(['delete', '-f', 'owner']);
    const shared = namespaces.filter(({ type }) => type !== 'ipc');
    t.equal((await see(script, { linux: { namespaces: shared } })).split('\n')[2], here[2]);
  },
);

t.test('host and domain name, kernel parameters', async (t) => {
  const change = {
    domainname: 'example.org',
    linux: { sysctl: { 'kernel.shmmni': '123', 'net.ipv4.ip_forward': '1' } },
  };
  const script =
    'cd /proc/sys; cat kernel/hostname kernel/domainname kernel/shmmni net/ipv4/ip_forward';
  t.equal(await see(script, change), 'bundle\nexample.org\n123\n1\n');
});

t.test('devices: the standard ones, links, those asked for', async (t) => {
  const devices = [
    { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 3, gid: 4 },
    { path: '/dev/sub/pipe', type: 'p', fileMode: 0o600 },
  ];
  const script =
    'for d in null zero full random urandom tty mine; do stat -c "%n %t:%T %a %u:%g" /dev/$d; done; readlink /dev/fd /dev/ptmx; [ -p /dev/sub/pipe ] && echo pipe';
  const seen = await see(`readlink() { /bin/readlink $1; /bin/readlink $2; }; ${script}`, {
    linux: { devices },
  });
  t.equal(
    seen,
    '/dev/null 1:3 666 0:0\n/dev/zero 1:5 666 0:0\n/dev/full 1:7 666 0:0\n/dev/random 1:8 666 0:0\n/dev/urandom 1:9 666 0:0\n/dev/tty 5:0 666 0:0\n/dev/mine 1:3 640 3:4\n/proc/self/fd\npts/ptmx\npipe\n',
  );
});

t.test('mounts: in order, with their options, relative sources below the bundle', async (t) => {
  mkdirSync(`${rig.directory}/data`);
  writeFileSync(`${rig.directory}/data/file`, 'content\n');
  const seen = await see(
    'grep -E " /(a|b|a/deep) " /proc/mounts | cut -d" " -f2-4; cat /a/deep/file; touch /a/deep/x 2>&1; true',
    mounts(
      {
        destination: '/a',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'noexec', 'size=64k', 'mode=750'],
      },
      { destination: 'a/deep', type: 'none', source: '../data', options: ['rbind', 'ro', 'nodev'] },
      { destination: '/b', type: 'tmpfs', source: 'x', options: ['ro', 'noatime'] },
    ),
  );
  t.match(seen, /^\/a tmpfs rw,nosuid,noexec,relatime,size=64k,mode=750/m);
  t.match(seen, /^\/a\/deep \S+ ro,nodev/m);
  t.match(seen, /^\/b tmpfs ro,noatime/m);
  t.match(seen, /content\ntouch: .*Read-only/);
});

t.test('masked and read-only paths, a read-only root', async (t) => {
  const change = {
    root: { readonly: true },
    linux: {
      maskedPaths: ['/proc/version', '/sys/firmware', '/etc/passwd'],
      readonlyPaths: ['/proc/sys'],
    },
  };
  const script =
    'wc -c < /proc/version; ls /sys/firmware | wc -l; wc -c < /etc/passwd; touch /x 2>&1; echo 1 2>&1 > /proc/sys/kernel/shmmni';
  const seen = await see(`(${script}) 2>&1; true`, change);
  t.match(seen, /^0\n0\n0\ntouch: \/x: Read-only file system\n.*Read-only file system/);
});

t.test('seccomp: a profile of the bundle', async (t) => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
  };
  t.match(
    await see('mkdir /tmp/x 2>&1; grep ^Seccomp: /proc/self/status', { linux: { seccomp } }),
    /not supported[\s\S]*Seccomp:\t2/,
  );
  const bad = rig.bundle(['true'], {
    linux: { seccomp: { ...seccomp, syscalls: [{ names: [], action: 'SCMP_ACT_ALLOW' }] } },
  });
  t.match((await rig.run(['run', '-b', bad, 'bad'])).stderr, /linux.seccomp: syscalls\[0\].names/);
});

t.test('a user namespace: root inside is nobody outside', async (t) => {
  const map = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const change = {
    linux: { namespaces: [...namespaces, { type: 'user' }], uidMappings: map, gidMappings: map },
  };
  t.match(
    await see('id -u; cat /proc/self/uid_map; cat /proc/self/gid_map', change),
    /^0\n\s+0\s+100000\s+65536\n\s+0\s+100000\s+65536\n$/,
  );
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], change), 'user']);
  const { pid } = await rig.state('user');
  t.equal(statSync(`/proc/${pid}`).uid, 100000);
  t.equal(await rig.ok(['exec', 'user', 'id', '-u']), '0\n');
  await rig.ok(['delete', '-f', 'user']);
});

t.test("cgroups: limits, and the container's own part is shown", async (t) => {
  const change = {
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['ro', 'nosuid'],
      },
    ],
    linux: {
      resources: { pids: { limit: 33 }, memory: { limit: 64 << 20, reservation: 32 << 20 } },
    },
  };
  t.match(
    await see(
      'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; cat /proc/self/cgroup',
      change,
    ),
    /^33\n/,
  );
});

t.test(
  'devices that nobody has allowed cannot be opened, even by who may make their nodes',
  async (t) => {
    const all = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE'];
    const process = { capabilities: { bounding: all, effective: all, permitted: all } };
    const script =
      'mknod /dev/x c 10 229; (: < /dev/x) 2>&1; mknod /dev/z c 1 5; head -c1 /dev/z | wc -c';
    const rule = { allow: true, type: 'c', major: 10, minor: 229, access: 'r' };
    t.match(await see(script, { process }), /\/dev\/x: Operation not permitted\n1\n/);
    const deny = { allow: false, access: 'rwm' };
    const allowed = await see(script, { process, linux: { resources: { devices: [deny, rule] } } });
    t.notMatch(allowed, 'not permitted');
  },
);
