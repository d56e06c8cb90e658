import t from 'tap';
import { configMaps, leases, pods } from '#api/resources/resource-types.ts';
import type { ConfigMap, Lease, Pod } from '#api/resources/types.ts';
import { Fenced, fenced } from '#controller/runtime/fence.ts';
import { Leadership } from '#controller/runtime/leadership.ts';
import { aPod } from '../../support/builders.ts';
import { memoryApi } from '../../support/memory-collection.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';

t.test('reads pass, writes only while they may', async (t) => {
  const api = memoryApi();
  api.seed(pods, aPod('p'));
  let may = true;
  const client = fenced(api, () => may);
  const all = client.collection<Pod>(pods);
  const ref = { name: 'p', namespace: 'default' };
  await all.patch(ref, { metadata: { labels: { a: 'b' } } }, 'merge');
  may = false;
  t.equal((await all.list()).items.length, 1);
  const { revision } = api.store;
  const pod = await all.get(ref);
  const writes: [string, () => Promise<unknown>][] = [
    ['create', () => all.create(aPod('q'))],
    ['update', () => all.update(pod)],
    ['updateStatus', () => all.updateStatus(pod)],
    ['patch', () => all.patch(ref, {}, 'merge')],
    ['patchStatus', () => all.patchStatus(ref, {}, 'merge')],
    ['createSubresource', () => all.createSubresource(ref, 'eviction', {})],
    ['delete', () => all.delete(ref)],
    ['request', () => client.request('PUT', '/x', {})],
  ];
  for (const [name, write] of writes) await t.rejects(write(), Fenced, name);
  t.equal(api.store.revision, revision);
  await t.rejects(client.request('GET', '/x'), /only collections/, 'a read is asked');
});

t.test('a leader that was stopped for long writes nothing when it wakes up', async (t) => {
  const api = memoryApi();
  const clock = new VirtualClock({ now: Date.now() });
  const options = { namespace: 'kube-system', name: 'l', identity: 'one', clock };
  const leadership = new Leadership(api.collection<Lease>(leases), options);
  t.equal(leadership.isFresh, false, 'before it leads');
  const leading = leadership.leading$.subscribe();
  t.teardown(() => leading.unsubscribe());
  await clock.advance(100);
  const client = fenced(api, () => leadership.isFresh);
  const maps = client.collection<ConfigMap>(configMaps);
  const map = (name: string): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
  });
  await maps.create(map('early'));
  // All of the process stands still, its timers too; the world does not.
  const stopped = clock.now() + 60_000;
  const now = clock.now.bind(clock);
  clock.now = () => Math.max(stopped, now());
  await t.rejects(maps.create(map('late')), Fenced);
  await clock.advance(15_000);
  await flush();
  await maps.create(map('again'));
  t.strictSame(
    api.store.all(configMaps).map(({ metadata }) => metadata.name),
    ['again', 'early'],
  );
});

t.test('who does not lead may not write', async (t) => {
  const api = memoryApi();
  const clock = new VirtualClock({ now: Date.now() });
  const leaderships = ['one', 'two'].map(
    (identity) =>
      new Leadership(api.collection<Lease>(leases), {
        namespace: 'kube-system',
        name: 'l',
        identity,
        clock,
      }),
  );
  for (const each of leaderships) {
    const leading = each.leading$.subscribe();
    t.teardown(() => leading.unsubscribe());
    await clock.advance(50);
  }
  t.strictSame(
    leaderships.map(({ isFresh }) => isFresh),
    [true, false],
  );
});
