/** linux.resources of containers that run, at the start and by update: looked at in their cgroups and from inside. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { controllerDirectory, readHierarchies } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-resources')());
const hierarchies = await readHierarchies();

/** A file of a container's cgroup by v1's and v2's name; undefined where neither version counts it. */
function limit(
  cgroup: string,
  controller: 'cpu' | 'memory' | 'pids' | 'cpuset' | 'hugetlb' | 'blkio',
  v1: string,
  v2: string,
): string | undefined {
  const found = controllerDirectory(hierarchies, controller, cgroup);
  if (found === undefined) return undefined;
  return readFileSync(`${found.directory}/${found.version === 1 ? v1 : v2}`, 'utf8').trim();
}

const cgroupOf = (bundle: string): string =>
  JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8')).linux.cgroupsPath;

t.test('every limit of a bundle is in its cgroup', async (t) => {
  const { v1: old, v2Controllers } = hierarchies;
  const hasHuge = old.hugetlb !== undefined || v2Controllers.includes('hugetlb');
  const resources = {
    cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 10_000, cpus: '0', mems: '0' },
    memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
    pids: { limit: 33 },
    blockIO: { throttleReadBpsDevice: [] },
    ...(hasHuge ? { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] } : {}),
  };
  const bundle = rig.bundle(['sleep', '1000'], { linux: { resources } });
  const cgroup = cgroupOf(bundle);
  await rig.ok(['run', '-d', '-b', bundle, 'whole']);
  t.match(limit(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^50000/);
  t.equal(limit(cgroup, 'cpu', 'cpu.cfs_burst_us', 'cpu.max.burst'), '10000');
  t.equal(limit(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
  t.equal(limit(cgroup, 'memory', 'memory.soft_limit_in_bytes', 'memory.low'), String(32 << 20));
  t.equal(
    limit(cgroup, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
    String(controllerDirectory(hierarchies, 'memory', '')?.version === 1 ? 96 << 20 : 32 << 20),
  );
  t.equal(limit(cgroup, 'pids', 'pids.max', 'pids.max'), '33');
  if (hasHuge)
    t.equal(limit(cgroup, 'hugetlb', 'hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max'), '0');
  const allowed = ['grep', 'Cpus_allowed_list', '/proc/self/status'];
  t.match(await rig.ok(['exec', 'whole', ...allowed]), /\t0\n/, 'what is exec’ed is held, too');
  await rig.ok(['delete', '-f', 'whole']);
  for (const mount of Object.values(old)) t.notOk(existsSync(mount + cgroup), `${mount} is clean`);
});

t.test(
  'update: other limits stay, those of a document and of flags come, each from what stands',
  async (t) => {
    const resources = {
      memory: { limit: 64 << 20, swap: 64 << 20 },
      cpu: { quota: 20_000 },
      pids: { limit: 30 },
    };
    const bundle = rig.bundle(['sleep', '1000'], { linux: { resources } });
    const cgroup = cgroupOf(bundle);
    await rig.ok(['run', '-d', '-b', bundle, 'changed']);
    const update = (...words: string[]) => rig.run(['update', ...words, 'changed']);
    const memory = () => [
      limit(cgroup, 'memory', 'memory.limit_in_bytes', 'memory.max'),
      limit(cgroup, 'memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
    ];
    t.match(await update('--memory', '128m'), {
      code: 1,
      stderr: /memory\.swap: 67108864 is less than/,
    });
    t.equal((await update('--memory', '128m', '--memory-swap', '128m')).code, 0, 'both grow');
    t.equal(memory()[0], String(128 << 20));
    t.equal((await update('--memory', '32m', '--memory-swap', '48m')).code, 0, 'both shrink');
    t.equal(memory()[0], String(32 << 20));
    t.equal((await update('--memory', '-1')).code, 0, 'none: swap is free with it');
    t.match(memory()[0], /^(9223372036854771712|max)$/);
    const stdin = JSON.stringify({ cpu: { period: 50_000, cpus: '0' }, pids: { limit: 0 } });
    t.strictSame(await rig.run(['update', '-r', '-', 'changed'], { stdin }), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    const { pid } = await rig.state('changed');
    t.match(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
      /Cpus_allowed_list:\t0\n/,
      'what ran is moved',
    );
    t.match(limit(cgroup, 'cpu', 'cpu.cfs_quota_us', 'cpu.max'), /^20000/, 'the quota stands');
    t.equal(limit(cgroup, 'pids', 'pids.max', 'pids.max'), '30');
    const bad = await rig.run(['update', '-r', '-', 'changed'], {
      stdin: '{"pids":{"limit":1.5}}',
    });
    t.match(bad, { code: 1, stderr: /stdin: pids\.limit: / });
    await rig.ok(['delete', '-f', 'changed']);
  },
);

t.test('update: devices are opened and closed while a container runs', async (t) => {
  const can = async (): Promise<boolean> => {
    const { stdout } = await rig.run([
      'exec',
      'open',
      'sh',
      '-c',
      '(: < /dev/mine) 2>&1; : < /dev/null',
    ]);
    return !stdout.includes('Operation not permitted');
  };
  const devices = [{ path: '/dev/mine', type: 'c', major: 10, minor: 229 }];
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], { linux: { devices } }), 'open']);
  const update = (rules: readonly object[]) =>
    rig.ok(['update', '-r', '-', 'open'], { stdin: JSON.stringify({ devices: rules }) });
  t.notOk(await can());
  await update([{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }]);
  t.ok(await can());
  await update([]);
  t.notOk(await can());
  await rig.ok(['delete', '-f', 'open']);
});
