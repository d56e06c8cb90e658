/** The text of what is done for a container's cgroup is kept by kind: it must be that of this very container. */
import t from 'tap';
import { joined } from '#native/spawn.ts';
import { deviceSteps } from '#node-agent/container/cgroup-devices.ts';
import { limitSteps } from '#node-agent/container/cgroup-limits.ts';
import { cgroupOrder } from '#node-agent/container/cgroup-order.ts';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';
import { createLeafSteps, hierarchiesOf } from '#node-agent/container/cgroups.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';

const v1 = ['cpu', 'memory', 'pids', 'devices', 'blkio', 'cpuset']
  .map((name) => `32 31 0:29 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}\n`)
  .join('');
const v2 = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n';
const machines = {
  v1: hierarchiesOf(v1, ''),
  v2: hierarchiesOf(v2, 'cpu memory pids io cpuset hugetlb'),
};
const kinds: readonly { resources: Resources; privileged: boolean; rules: readonly string[] }[] = [
  { resources: {}, privileged: false, rules: [] },
  { resources: {}, privileged: true, rules: [] },
  { resources: {}, privileged: false, rules: ['c 10:200 rwm'] },
  { resources: { memory: { limit: 1 << 28 } }, privileged: false, rules: [] },
  { resources: { memory: { limit: 1 << 29 }, pids: { limit: 5 } }, privileged: false, rules: [] },
  { resources: { cpu: { shares: 100, cpus: '0' } }, privileged: false, rules: [] },
];

for (const [machine, hierarchies] of Object.entries(machines)) {
  t.test(`${machine}: each kind and each path has its own`, async (t) => {
    for (const round of ['first', 'again']) {
      for (const { resources, privileged, rules } of kinds) {
        const cgroup = `/bayplan/pod${round}/${kinds.length}`;
        const spec = { resources, privileged } as unknown as ContainerSpec;
        const order = cgroupOrder({ hierarchies, cgroup, spec, devices: { nodes: [], rules } });
        const steps = [
          ...createLeafSteps(hierarchies, cgroup, resources),
          ...limitSteps(hierarchies, cgroup, resources),
          ...deviceSteps(hierarchies, cgroup, { ...resources, privileged, more: rules }),
        ];
        t.equal(order, joined(steps), `${round} ${JSON.stringify(resources)} ${rules}`);
      }
    }
  });
}

t.test('limits that cannot be are refused every time', async (t) => {
  const spec = { resources: { memory: { limit: -5 } }, privileged: false };
  const wanted = { hierarchies: machines.v1, cgroup: '/a', devices: { nodes: [], rules: [] } };
  for (const _ of [1, 2]) {
    t.throws(() => cgroupOrder({ ...wanted, spec: spec as unknown as ContainerSpec }));
  }
});
