import { Subject } from 'rxjs';
import t from 'tap';
import { pods, replicaSets } from '#api/resources/resource-types.ts';
import type { Pod, ReplicaSet } from '#api/resources/types.ts';
import { replicaSetController } from '#controller/replicaset/controller.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { controllerUid } from '#controller/runtime/lookup.ts';
import { gatherMs, paced } from '#controller/workload/pace.ts';
import { aReplicaSet } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

t.test('keys without a delay come at once, others once after it', async (t) => {
  const clock = new VirtualClock();
  const keys$ = new Subject<string>();
  const told: string[] = [];
  const delays: Record<string, number> = { small: 0, large: 500 };
  const running = paced(keys$, (key) => delays[key] ?? 0, clock).subscribe((key) => told.push(key));
  for (const key of ['small', 'large', 'small', 'large', 'large']) keys$.next(key);
  t.strictSame(told, ['small', 'small']);
  await clock.advance(500);
  keys$.next('large');
  t.strictSame(told, ['small', 'small', 'large']);
  running.unsubscribe();
  await clock.advance(1_000);
  t.strictSame([told.length, clock.pending], [3, 0], 'nothing is left behind');
});

t.test('the more pods an owner has, the longer its changes are gathered', async (t) => {
  const owners = new Cache<ReplicaSet>();
  owners.apply({ type: 'applied', object: aReplicaSet('web', 1) });
  const cache = new Cache<Pod>().addIndex('controller', controllerUid);
  const ms = gatherMs(owners, cache);
  t.equal(ms('default/web'), 0);
  for (let i = 0; i < 1_000; i += 1) {
    const ownerReferences = [
      { apiVersion: '', kind: '', name: '', uid: 'uid-web', controller: true },
    ];
    const metadata = { name: `p${i}`, resourceVersion: '2', ownerReferences };
    cache.apply({ type: 'applied', object: { apiVersion: 'v1', kind: 'Pod', metadata } });
  }
  t.equal(ms('default/web'), 50);
  t.equal(ms('default/unknown'), 0);
});

t.test('a thousand pods that become ready take few runs', async (t) => {
  const { api, clock, settle, start } = running(replicaSetController);
  start();
  const { resourceVersion: _, uid: __, ...metadata } = aReplicaSet('web', 1_000).metadata;
  await api.collection<ReplicaSet>(replicaSets).create({ ...aReplicaSet('web', 1_000), metadata });
  await settle(5_000);
  t.equal(api.store.all(pods).length, 1_000);
  api.requests.length = 0;
  playAgent(api, clock);
  await settle(5_000);
  const set = await api
    .collection<ReplicaSet>(replicaSets)
    .get({ name: 'web', namespace: 'default' });
  t.equal(set.status?.readyReplicas, 1_000);
  const writes = api.requests.filter((line) => line.startsWith('updateStatus')).length;
  t.ok(writes <= 3, `${writes} writes of the status`);
});
