/** Each kind of namespace: made, joined, left as it is. */

import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { namespaceType, type WireContainer } from '#native/protocol.ts';
import { needsRoot } from '../support/scratch.ts';
import { end, links, namespaces, newDirectory, run, seen, start, wireContainer } from './rig.ts';

needsRoot();
const own = (name: string): string => readlinkSync(`/proc/self/ns/${name}`);

t.test('what is not named is that of who started it', async (t) => {
  const found = seen(await run(links, { namespaces: namespaces('mount') }));
  for (const name of ['pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'])
    t.equal(found.get(name), own(name), name);
  t.not(found.get('mnt'), own('mnt'));
});

t.test('what is named is new', async (t) => {
  const all = namespaces('mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time');
  const found = seen(await run(links, { namespaces: all }));
  for (const name of ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time'])
    t.not(found.get(name), own(name), name);
});

t.test('a new network has a loopback that is up and nothing else', async (t) => {
  const lines = await run(
    'ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 | grep -c "1 packets received"',
    {
      namespaces: namespaces('mount', 'pid', 'network'),
    },
  );
  t.strictSame(lines, ['lo', '1']);
});

t.test('namespaces are joined by path, and only those of the kind that is named', async (t) => {
  const all = namespaces('mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time');
  const first = await start(wireContainer('sleep 1000', { namespaces: all, hostname: 'first' }));
  const kinds = {
    network: 'net',
    ipc: 'ipc',
    uts: 'uts',
    cgroup: 'cgroup',
    pid: 'pid',
    time: 'time',
  } as const;
  for (const [kind, file] of Object.entries(kinds)) {
    const path = `/proc/${first.pid}/ns/${file}`;
    const type = namespaceType[kind as keyof typeof kinds];
    const there = readlinkSync(path);
    const joined = [...namespaces('mount'), { type, path }];
    t.equal(seen(await run(links, { namespaces: joined })).get(file), there, kind);
    const wrong = [...namespaces('mount'), { type, path: `/proc/${first.pid}/ns/mnt` }];
    await t.rejects(
      run('true', { namespaces: wrong }),
      /join namespace .*errno 22/,
      `${kind} is verified`,
    );
  }
  const uts = [
    { type: namespaceType.uts, path: `/proc/${first.pid}/ns/uts` },
    ...namespaces('mount'),
  ];
  t.strictSame(await run('hostname', { namespaces: uts }), ['first']);
  const gone = [{ type: namespaceType.ipc, path: '/nowhere' }, ...namespaces('mount')];
  await t.rejects(run('true', { namespaces: gone }), /join namespace \/nowhere: errno 2/);
  await end(first);
});

t.test(
  'a kind named twice, an unknown kind, layers in a mount namespace of others are refused',
  async (t) => {
    const wrong: WireContainer['namespaces'][] = [
      namespaces('mount', 'pid', 'pid'),
      [{ type: 1, path: '' }],
    ];
    for (const named of wrong) await t.rejects(run('true', { namespaces: named }), /read the spec/);
    const others = [{ type: namespaceType.mount, path: '/proc/self/ns/mnt' }];
    await t.rejects(run('true', { namespaces: others }), /join a mount namespace with layers/);
  },
);

t.test('names of the machine are the container’s own', async (t) => {
  const before = readFileSync('/proc/sys/kernel/domainname', 'utf8');
  const lines = await run('hostname; cat /proc/sys/kernel/domainname', {
    hostname: 'inside',
    domainname: 'example.org',
  });
  t.strictSame(lines, ['inside', 'example.org']);
  t.equal(readFileSync('/proc/sys/kernel/domainname', 'utf8'), before);
});

t.test('clocks are moved by the offsets of a time namespace', async (t) => {
  const up = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0]);
  const lines = await run('cut -d. -f1 /proc/uptime', {
    namespaces: namespaces('mount', 'pid', 'time'),
    timeOffsets: [
      { clock: 7, seconds: 86_400n, nanoseconds: 0 },
      { clock: 1, seconds: 1000n, nanoseconds: 5 },
    ],
  });
  t.ok(Number(lines[0]) >= up + 86_400, `${lines[0]} after ${up}`);
  const back = run('true', {
    namespaces: namespaces('mount', 'pid', 'time'),
    timeOffsets: [{ clock: 7, seconds: -1_000_000_000n, nanoseconds: 0 }],
  });
  await t.rejects(back, /set the offsets of the time namespace: errno 34/);
});

t.test('sysctls are the namespaces’ own', async (t) => {
  const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  const own = { namespaces: namespaces('mount', 'pid', 'network', 'ipc') };
  const lines = await run(
    'cat /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward',
    {
      ...own,
      sysctls: [
        { name: 'net/ipv4/ping_group_range', value: '0 7' },
        { name: 'kernel/shmmni', value: '99' },
        { name: 'net/ipv4/ip_forward', value: '1' },
      ],
    },
  );
  t.strictSame(lines, ['0\t7', '99', '1']);
  t.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), before);
  for (const name of ['../kernel', 'net/nothing', 'net/ipv4', '/etc/passwd'])
    await t.rejects(run('true', { ...own, sysctls: [{ name, value: '1' }] }), /set sysctl/, name);
});

t.test('a link in place of a path to join leads to what it names, a file does not', async (t) => {
  const file = `${newDirectory()}/file`;
  writeFileSync(file, '');
  const named = [...namespaces('mount'), { type: namespaceType.uts, path: file }];
  await t.rejects(run('true', { namespaces: named }), /join namespace .*errno 22/);
});
