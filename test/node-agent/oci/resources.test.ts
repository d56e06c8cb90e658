/** linux.resources: what a document comes to, and what is refused. */
import t from 'tap';
import type { Hierarchies } from '#node-agent/container/cgroups.ts';
import { ConfigError } from '#node-agent/oci/config/problem.ts';
import type { Log } from '#node-agent/oci/globals.ts';
import { placeSteps, resourcesOf } from '#node-agent/oci/resources.ts';

const v1: Hierarchies = {
  v1: { devices: '/cg/devices', memory: '/cg/memory' },
  v1Mounts: ['/cg/devices', '/cg/memory'],
  v2Controllers: [],
};
const v2: Hierarchies = {
  v1: {},
  v1Mounts: [],
  v2: '/cg',
  v2Controllers: ['cpu', 'memory', 'pids', 'blkio', 'cpuset'],
};

function listening(): { log: Log; warned: string[] } {
  const warned: string[] = [];
  const log: Log = { warn: (text) => warned.push(text), debug: () => {}, failed: () => 1 };
  return { log, warned };
}

const { log } = listening();

t.test('what Go writes for "not set" is no limit; what says something stays', async (t) => {
  const wanted = {
    cpu: { shares: 0, quota: 0, period: 0, cpus: '', mems: '', idle: 0, realtimeRuntime: 0 },
    memory: { limit: 0, swap: 0, reservation: 0, kernel: 0, swappiness: 0, disableOOMKiller: null },
    pids: { limit: 0 },
    blockIO: { weight: 0, weightDevice: [] },
    network: { classID: 0, priorities: [] },
    hugepageLimits: null,
  };
  t.strictSame(resourcesOf(wanted), {
    cpu: { idle: 0 },
    memory: { swappiness: 0 },
    blockIO: { weightDevice: [] },
    network: { priorities: [] },
  });
  t.strictSame(resourcesOf(undefined), {});
  const all = resourcesOf(JSON.parse('{"memory":{"limit":-1},"pids":{"limit":-1}}'));
  t.strictSame(all, { memory: { limit: -1 }, pids: { limit: -1 } });
});

t.test('rules for devices: u is c, a pipe is none, nothing at all is everything', async (t) => {
  const { devices } = resourcesOf({
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'u', major: 1, minor: 3, access: 'r' },
      { allow: true, type: 'p', access: 'rw' },
      { allow: true, type: 'b', major: null, access: '' },
      { allow: false, type: '' },
    ],
  });
  t.strictSame(devices, [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
    { allow: true, type: 'b' },
    { allow: false },
  ]);
});

for (const [what, wanted, path] of [
  ['memory', { memory: { limit: 10, swap: 5 } }, 'linux.resources.memory.swap'],
  [
    'a rule for all that names one',
    { devices: [{ allow: true, type: 'a', major: 1 }] },
    'linux.resources.devices[0]',
  ],
  [
    'access',
    { devices: [{ allow: true, type: 'c', access: 'rx' }] },
    'linux.resources.devices[0].access',
  ],
  [
    'a size',
    { hugepageLimits: [{ pageSize: '../x', limit: 1 }] },
    'linux.resources.hugepageLimits[0].pageSize',
  ],
  ['a file', { unified: { 'cgroup.procs': '1' } }, 'linux.resources.unified["cgroup.procs"]'],
  ['a type', { cpu: { shares: 'x' } }, 'linux.resources.cpu.shares'],
] as const) {
  t.test(`refused by its path: ${what}`, async (t) => {
    try {
      resourcesOf(wanted);
      t.fail('nobody objected');
    } catch (error) {
      t.ok(error instanceof ConfigError);
      t.equal((error as ConfigError).problems[0]?.path, path);
    }
  });
}

t.test('update says where in its own document', async (t) => {
  const source = { document: 'limits.json', at: '' };
  t.throws(() => resourcesOf({ pids: { limit: -7 } }, source), /^limits\.json: pids\.limit: /m);
});

t.test('the devices program of v2, the list of v1, in any case', async (t) => {
  const rules = [{ allow: true, type: 'c', major: 10, minor: 229, access: 'r' }];
  const steps = placeSteps(v1, '/p/a', resourcesOf({ devices: rules }), log);
  const lists = steps.filter(([, path]) => path.startsWith('/cg/devices/p/a/devices.'));
  t.strictSame(lists[0], ['write', '/cg/devices/p/a/devices.deny', 'a']);
  t.strictSame(lists[1], ['write', '/cg/devices/p/a/devices.allow', 'c 10:229 r']);
  t.match(placeSteps(v2, '/p/a', {}, log).at(-1), ['devices', '/cg/p/a', /^[0-9a-f]+$/]);
  const { log: heard, warned } = listening();
  t.strictSame(placeSteps({ v1: {}, v1Mounts: [], v2Controllers: [] }, '/a', {}, heard), []);
  t.match(warned, [/linux\.resources\.devices: not enforced/]);
});

t.test('on v2 only what is above a container hands controllers down', async (t) => {
  const down = '+cpu +memory +pids +io +cpuset';
  t.strictSame(placeSteps(v2, '/p/a', { pids: { limit: 3 } }, log).slice(0, -1), [
    ['write', '/cg/cgroup.subtree_control', down],
    ['mkdir', '/cg/p', '755'],
    ['write', '/cg/p/cgroup.subtree_control', down],
    ['mkdir', '/cg/p/a', '755'],
    ['write', '/cg/p/a/pids.max', '3'],
  ]);
});

t.test('a limit that this machine cannot keep is refused by its field', async (t) => {
  const wanted = resourcesOf({ memory: { swappiness: 5 }, rdma: { mlx: { hcaHandles: 1 } } });
  t.throws(
    () => placeSteps(v2, '/a', wanted, log),
    /linux\.resources\.rdma: .*no cgroup controller rdma; linux\.resources\.memory\.swappiness: cgroup v2/,
  );
  const { log: heard, warned } = listening();
  placeSteps(v1, '/a', resourcesOf({ memory: { kernel: 4096 } }), heard);
  t.match(warned, [/memory\.kernel: not applied: no kernel has this limit/]);
  t.throws(
    () => placeSteps(v1, '/a', resourcesOf({ unified: { 'memory.high': '5' } }), log),
    /config\.json: linux\.resources\.unified\["memory\.high"\]: .*cgroup v1/,
  );
});
