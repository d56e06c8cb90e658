/** User namespaces: what is shown in them, what their root may, and what it may not. */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import t from 'tap';
import { containerFlag, namespaceType } from '#native/protocol.ts';
import { until } from '../node-agent/container/node.ts';
import { needsRoot } from '../support/scratch.ts';
import {
  type Change,
  end,
  links,
  namespaces,
  run,
  seen,
  start,
  usualMounts,
  wireContainer,
} from './rig.ts';

needsRoot();

/** Root inside is 100000 outside. */
const map = [{ inside: 0, outside: 100_000, size: 65_536 }];
const mapped = (change: Change = {}): Change => {
  const mounts = usualMounts({
    ttyGid: 100_005,
    mapped: true,
  });
  return {
    flags: containerFlag.mapLayers,
    namespaces: namespaces('mount', 'pid', 'ipc', 'uts', 'network', 'cgroup', 'user'),
    uidMap: map,
    gidMap: map,
    mounts,
    mountsBeforeDevices: mounts.length,
    ...change,
    process: { owner: 100_000, ...change.process },
  };
};

t.test('root of a user namespace is nobody outside', async (t) => {
  const container = wireContainer(
    'echo $$; id -u; cat /proc/self/uid_map; exec sleep 1000',
    mapped(),
  );
  const running = await start(container);
  const comm = `/proc/${running.pid}/comm`;
  await until('it to have said all', () => readFileSync(comm, 'utf8') === 'sleep\n');
  t.match(readFileSync(`/proc/${running.pid}/status`, 'utf8'), /Uid:\t100000\t100000\t100000/);
  t.not(readlinkSync(`/proc/${running.pid}/ns/user`), readlinkSync('/proc/self/ns/user'));
  await end(running);
  const lines = (await running.output).split('\n');
  t.match(lines[0], /^1$/);
  t.match(lines[1], /^0$/);
  t.match(lines[2], /^ +0 +100000 +65536$/);
});

t.test('the image’s files are its root’s, and what it writes is root’s on the disk', async (t) => {
  const container = wireContainer('', mapped());
  const script =
    'stat -c %u:%g /bin /etc/passwd /dev /dev/shm; echo new > /etc/new; echo more >> /etc/passwd; stat -c %u /etc/new';
  const lines = await run(script, { ...mapped(), upper: container.upper, work: container.work });
  t.strictSame(lines, ['0:0', '0:0', '0:0', '0:0', '0']);
  t.equal(statSync(`${container.upper}/etc/new`).uid, 0);
  t.equal(statSync(`${container.upper}/etc/passwd`).uid, 0);
});

t.test('root of a user namespace has power over its own and nothing else', async (t) => {
  // What the shell complains of is on the other stream, whose parts may come between these lines.
  const script = `exec 2>/dev/null
    hostname changed && hostname
    mount -t tmpfs x /tmp && echo mounted
    umount /proc/keys 2>/dev/null || umount /sys/firmware 2>/dev/null || echo masks stay
    ip link set lo down && echo network
    echo 1 > /proc/sys/kernel/panic_on_oops || echo no sysctl
    mknod /tmp/disk b 254 0 || echo no device
    chown 70000 /etc/passwd || echo unmapped
    kill -0 ${process.pid} || echo no process`;
  const lines = await run(script, { ...mapped(), masked: ['/proc/keys', '/sys/firmware'] });
  t.strictSame(lines, [
    'changed',
    'mounted',
    'masks stay',
    'network',
    'no sysctl',
    'no device',
    'unmapped',
    'no process',
  ]);
});

t.test('a user of a user namespace has his streams', async (t) => {
  const process = { uid: 1000, gid: 1000, owner: 101_000 };
  t.strictSame(await run('id -u; stat -L -c %u /proc/self/fd/1', mapped({ process })), [
    '1000',
    '1000',
  ]);
});

t.test('a user namespace is joined by path', async (t) => {
  const first = await start(wireContainer('sleep 1000', mapped()));
  const of = (name: 'user' | 'uts', file: string) => ({
    type: namespaceType[name],
    path: `/proc/${first.pid}/ns/${file}`,
  });
  const found = seen(
    await run(
      links,
      mapped({ namespaces: [...namespaces('mount', 'pid'), of('user', 'user'), of('uts', 'uts')] }),
    ),
  );
  t.equal(found.get('user'), readlinkSync(`/proc/${first.pid}/ns/user`));
  t.equal(found.get('uts'), readlinkSync(`/proc/${first.pid}/ns/uts`));
  await end(first);
});

t.test('maps that make no sense are refused', async (t) => {
  const twice = [...map, { inside: 5, outside: 300_000, size: 10 }];
  await t.rejects(run('true', mapped({ uidMap: twice })), /make a user namespace/);
  const many = Array.from({ length: 400 }, (_, i) => ({
    inside: i,
    outside: 100_000 + i,
    size: 1,
  }));
  await t.rejects(run('true', mapped({ uidMap: many })), /make a user namespace: errno 7/);
  const most = many.slice(0, 250);
  t.strictSame(await run('wc -l < /proc/self/uid_map', mapped({ uidMap: most })), ['250']);
});
