/** Namespaces that are joined by path: user, cgroup, time and the rest, each verified to be of its kind. */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import t from 'tap';
import { parseMap } from '#node-agent/oci/joined-maps.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-namespaces')());
let count = 0;

const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const maps = { uidMappings: map, gidMappings: map };
const powers = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE'];
const capabilities = { bounding: powers, effective: powers, permitted: powers };
const time = { type: 'time' };

const run = (script: string, linux: object) => {
  const bundle = rig.bundle(['sh', '-c', script], { process: { capabilities }, linux });
  return rig.run(['run', '-b', bundle, `join${count++}`]);
};

/** Every kind of its own. */
const own = { namespaces: [...namespaces, { type: 'user' }, time], ...maps };
await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], { linux: own }), 'first']);
t.teardown(() => rig.run(['delete', '-f', 'first']));
const { pid } = await rig.state('first');

const files: Readonly<Record<string, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
};
const path = (type: string) => `/proc/${pid}/ns/${files[type]}`;
/** The usual ones, some of them by path. */
const joining = (paths: Readonly<Record<string, string>>) => {
  const kinds = new Set([...namespaces.map(({ type }) => type), ...Object.keys(paths)]);
  return {
    namespaces: [...kinds].map((type) =>
      paths[type] === undefined ? { type } : { type, path: paths[type] },
    ),
  };
};

t.test('each is joined by its path, and a path of another kind is told', async (t) => {
  for (const [type, file] of Object.entries(files)) {
    const seen = await run(`readlink /proc/self/ns/${file}`, joining({ [type]: path(type) }));
    t.equal(seen.stdout, `${readlinkSync(path(type))}\n`, `${type}${seen.stderr}`);
    const other = `/proc/${pid}/ns/${type === 'ipc' ? 'uts' : 'ipc'}`;
    const wrong = await run('true', joining({ [type]: other }));
    t.match(wrong, { code: 1, stderr: `join namespace ${other}: invalid argument` }, type);
    const gone = await run('true', joining({ [type]: '/nowhere' }));
    t.match(gone, { code: 1, stderr: 'join namespace /nowhere: no such file' }, type);
    const file_ = await run('true', joining({ [type]: '/etc/passwd' }));
    t.match(file_, { code: 1, stderr: 'join namespace /etc/passwd: invalid argument' }, type);
  }
});

t.test('a user namespace that is joined: what is new beside it belongs to it', async (t) => {
  const script = 'hostname changed && hostname; ip link set lo down && echo network; id -u';
  const { stdout, stderr } = await run(script, joining({ user: path('user') }));
  t.equal(stdout, 'changed\nnetwork\n0\n', stderr);
});

t.test('its maps are the namespace’s own, not what the bundle says', async (t) => {
  const script = `stat -c %u:%g /dev /dev/null /dev/shm /dev/mine; touch /dev/new && stat -c %u /dev/new
    cat /proc/self/uid_map | tr -s " "`;
  const devices = [{ path: '/dev/mine', type: 'c', major: 1, minor: 3, uid: 7, gid: 8 }];
  const wanted = '0:0\n0:0\n0:0\n7:8\n0\n 0 100000 65536\n';
  const one = [{ containerID: 0, hostID: 0, size: 1 }];
  for (const said of [{}, maps, { uidMappings: one, gidMappings: one }]) {
    const linux = { ...joining({ user: path('user') }), ...said, devices };
    const { stdout, stderr } = await run(script, linux);
    t.equal(stdout, wanted, JSON.stringify(said) + stderr);
  }
  await rig.ok([
    'run',
    '-d',
    '-b',
    rig.bundle(['sleep', '1000'], { linux: joining({ user: path('user') }) }),
    'second',
  ]);
  const second = await rig.state('second');
  t.equal(statSync(`/proc/${second.pid}`).uid, 100_000);
  t.equal(await rig.ok(['exec', '-u', '5', 'second', 'id', '-u']), '5\n');
  await rig.ok(['delete', '-f', 'second']);
  t.strictSame(parseMap(readFileSync(`/proc/${pid}/gid_map`, 'utf8')), map);
});

t.test('all of another container’s: its clocks, its cgroup’s view, its names', async (t) => {
  const all = Object.fromEntries(Object.keys(files).map((type) => [type, path(type)]));
  const names = Object.values(files).join(' ');
  const script = `for n in ${names}; do readlink /proc/self/ns/$n; done; hostname`;
  const { stdout, stderr } = await run(script, joining(all));
  const there = Object.keys(files).map((type) => readlinkSync(path(type)));
  t.strictSame(stdout.trim().split('\n'), [...there, 'bundle'], stderr);
});
