/** A machine with cgroup v1 alone: the runtime runs where the v2 hierarchy is not mounted. v1 freezes and kills otherwise. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { readHierarchies } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const { v1 } = await readHierarchies();
if (v1.freezer === undefined) {
  t.pass('skipped', { skip: 'needs cgroup v1 hierarchies' });
  process.exit();
}

const rig = new Rig(scratch('oci-v1')());
const names = Object.keys(v1).map((name) => [name, v1[name as keyof typeof v1]] as const);
const mounts = [...new Set(Object.values(v1))].map((mount) => {
  const controllers = names.filter(([, at]) => at === mount).map(([name]) => name);
  const at = `/sys/fs/cgroup/${controllers.join(',')}`;
  return `mkdir ${at} && mount -t cgroup -o ${controllers.join(',')} cgroup ${at}`;
});
const remount = [
  'while umount -R -l /sys 2> /dev/null; do :; done',
  'mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /sys/fs/cgroup',
  ...mounts,
  'exec "$@"',
].join('; ');
const through = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', remount, 'sh'];
const run = (...words: string[]) => rig.run(words, { through });
const ok = (...words: string[]) => rig.ok(words, { through });

t.test('paused by the freezer, killed while paused, limited, removed everywhere', async (t) => {
  const args = ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'];
  const resources = { pids: { limit: 20 }, cpu: { cpus: '0' } };
  const bundle = rig.bundle(args, { linux: { resources } });
  const { linux } = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
  const frozen = `${v1.freezer}${linux.cgroupsPath}/freezer.state`;
  await ok('run', '-d', '-b', bundle, 'one');
  t.equal(readFileSync(`${v1.pids}${linux.cgroupsPath}/pids.max`, 'utf8'), '20\n');
  await ok('pause', 'one');
  t.equal(readFileSync(frozen, 'utf8'), 'FROZEN\n');
  t.match(JSON.parse(await ok('state', 'one')), { status: 'paused' });
  t.match(await run('exec', 'one', 'true'), { code: 255, stderr: /is paused/ });
  await ok('resume', 'one');
  t.match(JSON.parse(await ok('state', 'one')), { status: 'running' });
  t.equal((await run('exec', 'one', 'true')).code, 0);
  await ok('pause', 'one');
  await ok('kill', '-a', 'one', 'KILL');
  t.equal(readFileSync(`${v1.pids}${linux.cgroupsPath}/cgroup.procs`, 'utf8'), '');
  t.match(JSON.parse(await ok('state', 'one')), { status: 'stopped' });
  await ok('delete', 'one');
  for (const mount of Object.values(v1)) t.notOk(existsSync(mount + linux.cgroupsPath));
});

t.test('a paused one is deleted by force', async (t) => {
  await ok('run', '-d', '-b', rig.bundle(['sleep', '1000']), 'two');
  await ok('pause', 'two');
  await ok('delete', '-f', 'two');
  t.match(await run('state', 'two'), { code: 1, stderr: /does not exist/ });
});
