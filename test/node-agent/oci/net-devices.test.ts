/** `linux.netDevices`: devices of the host that become the container's, with what they are. */

import { execFileSync } from 'node:child_process';
import t from 'tap';
import { listLinks } from '#native/netlink.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces, Rig } from './bundle.ts';
import { badness } from './config-problems.ts';

needsRoot();
const rig = new Rig(scratch('oci-net-devices')());
const id = process.pid % 100_000;
const [one, two, peer, other] = [`bo${id}a`, `bo${id}b`, `bo${id}p`, `bo${id}q`];
const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });
try {
  ip('link', 'add', one, 'type', 'veth', 'peer', 'name', peer);
} catch {
  t.pass('skipped', { skip: 'needs a kernel with veth, and rights to make links' });
  process.exit();
}
t.teardown(() => {
  for (const name of [peer, other]) {
    try {
      ip('link', 'del', name);
    } catch {
      // It went with its other end.
    }
  }
});
ip('link', 'add', two, 'type', 'veth', 'peer', 'name', other);
const names = async () => (await listLinks()).map(({ name }) => name);

const mac = '02:00:00:00:12:34';
let count = 0;
const run = (script: string, netDevices: object, change: object = {}) => {
  const linux = { netDevices, ...change };
  return rig.run(['run', '-b', rig.bundle(['sh', '-c', script], { linux }), `net${count++}`]);
};

t.test('what cannot be moved is told by its name; what was is where it was', async (t) => {
  const missing = await run('true', { [one]: {}, 'no-such': {} });
  t.match(missing, { code: 1, stderr: /linux\.netDevices\.no-such: there is no network device/ });
  const taken = await run('true', { [one]: { name: 'x' }, [two]: { name: 'x' } });
  t.match(taken, {
    code: 1,
    stderr: /linux\.netDevices\.\S+b: there is a network device x already/,
  });
  const loopback = await run('true', { lo: { name: 'own' } });
  t.match(loopback, { code: 1, stderr: /linux\.netDevices\.lo: RTM_NEWLINK link own/ });
  const there = await names();
  for (const name of [one, two, peer, other]) t.ok(there.includes(name), name);
});

t.test('before its hooks, a container has it: name, MAC, MTU, addresses, up', async (t) => {
  ip('link', 'set', one, 'address', mac, 'mtu', '1400', 'up');
  ip('addr', 'add', '192.0.2.5/24', 'dev', one);
  ip('addr', 'add', '192.0.2.6/24', 'dev', one);
  ip('addr', 'add', '169.254.7.7/16', 'scope', 'link', 'dev', one);
  ip('-6', 'addr', 'add', '2001:db8::5/64', 'dev', one, 'nodad');
  const log = `${rig.directory}/hook`;
  const hook = { path: '/bin/sh', args: ['sh', '-c', `ls /sys/class/net > ${log}`] };
  const script =
    'cat /sys/class/net/eth7/address /sys/class/net/eth7/mtu; ip addr show eth7; ls /sys/class/net';
  const bundle = rig.bundle(['sh', '-c', script], {
    linux: { netDevices: { [one]: { name: 'eth7' }, [two]: { name: 'data%d' } } },
    hooks: { prestart: [hook] },
  });
  const { code, stdout, stderr } = await rig.run(['run', '-b', bundle, 'moved']);
  t.equal(code, 0, stderr);
  t.match(stdout, new RegExp(`^${mac}\n1400\n`));
  t.match(stdout, /<[^>]*\bUP\b/);
  t.match(stdout, /inet 192\.0\.2\.5\/24 .*global/);
  t.match(stdout, /inet 192\.0\.2\.6\/24 .*global secondary/);
  t.match(stdout, /inet6 2001:db8::5\/64 .*global/);
  t.notMatch(stdout, '169.254.7.7', 'of global scope alone');
  t.match(stdout, /^data0\neth7\nlo\n/m);
  t.notMatch(execFileSync('cat', [log], { encoding: 'utf8' }), one, 'no longer the host’s then');
  // A virtual one ends with the container's namespace.
  t.notOk((await names()).includes(one));
});

t.test('a namespace is needed to move to, and names that a link can have', async (t) => {
  const none = { linux: { namespaces: [{ type: 'mount' }], netDevices: { eth0: {} } } };
  t.match(badness(none)[0], 'linux.netDevices: needs a network namespace');
  for (const name of ['', '.', '..', 'a/b', 'a b', 'a:b', 'sixteen-letters!', '\0']) {
    const key = badness({ linux: { namespaces, netDevices: { [name]: {} } } });
    t.match(key.join('\n'), "a network device's name", JSON.stringify(name));
    const value = badness({ linux: { namespaces, netDevices: { eth0: { name } } } });
    t.match(value.join('\n'), 'linux.netDevices.eth0.name: expected', JSON.stringify(name));
  }
});
