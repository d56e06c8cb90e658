import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connectEtcd } from '#api/storage/etcd.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { openMaintenance } from '#api/storage/maintenance.ts';
import { startTestEtcd, temporaryDirectory } from '../../support/etcd.ts';

const etcd = await startTestEtcd(t);
const storage = await connectEtcd({ endpoints: [etcd.endpoint] });
t.teardown(() => storage.close());

async function open(t: Test) {
  const maintenance = await openMaintenance({ endpoints: [etcd.endpoint] });
  t.teardown(() => maintenance.close());
  return maintenance;
}

const etcdctl = spawnSync('etcdctl', ['version']).error === undefined;
const restoring = etcdctl ? {} : { skip: 'etcdctl (package etcd-client) is not installed' };

t.test('a snapshot is the whole database with its checksum behind it', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'snapshot.db');
  const { bytes } = await (await open(t)).snapshot(file);
  const whole = readFileSync(file);
  t.equal(whole.length, bytes);
  t.ok(bytes > 10_000);
  t.same(readdirSync(directory), ['snapshot.db']);
  const hash = createHash('sha256').update(whole.subarray(0, -32)).digest();
  t.same(whole.subarray(-32), hash);
});

t.test('a store restored from a snapshot holds what was there', restoring, async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'snapshot.db');
  const value = Buffer.from('kept');
  await storage.put('/kept', value, { expectedRevision: 0 });
  await (await open(t)).snapshot(file);
  const member = ['--name', 'default', '--initial-cluster', 'default=http://127.0.0.1:12380'];
  const address = ['--initial-advertise-peer-urls', 'http://127.0.0.1:12380'];
  const target = join(directory, 'etcd', 'data');
  execFileSync(
    'etcdctl',
    ['snapshot', 'restore', file, '--data-dir', target, ...member, ...address],
    {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: 'ignore',
    },
  );
  const restored = await startEtcd({ dataDir: join(directory, 'etcd') });
  t.teardown(() => restored.stop());
  const copy = await connectEtcd({ endpoints: [restored.endpoint] });
  t.teardown(() => copy.close());
  t.same((await copy.get('/kept'))?.value, value);
});

t.test('a snapshot that cannot be written leaves nothing', async (t) => {
  const directory = await temporaryDirectory(t);
  const maintenance = await open(t);
  await t.rejects(maintenance.snapshot(join(directory, 'no', 'such')), { code: 'ENOENT' });
  t.same(readdirSync(directory), []);
});

t.test(
  'a snapshot of an etcd that does not answer is Unavailable and leaves nothing',
  async (t) => {
    const directory = await temporaryDirectory(t);
    const maintenance = await openMaintenance({ endpoints: ['unix:/nowhere/at/all'] });
    t.teardown(() => maintenance.close());
    await t.rejects(maintenance.snapshot(join(directory, 'a')), { name: 'Unavailable' });
    t.notOk(existsSync(join(directory, 'a')));
    t.same(readdirSync(directory), []);
  },
);

t.test('a sound etcd has no alarms, can be defragmented, and goes on', async (t) => {
  const maintenance = await open(t);
  t.same(await maintenance.alarms(), []);
  await maintenance.defragment();
  await maintenance.disarm();
  await storage.ping();
});
