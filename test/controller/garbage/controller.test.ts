import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { ownerReferenceTo, type ResourceType } from '#api/resources/meta.ts';
import {
  configMaps,
  customResourceDefinitions,
  pods,
  replicaSets,
  secrets,
} from '#api/resources/resource-types.ts';
import { garbageController } from '#controller/garbage/controller.ts';
import { running } from '../../support/controllers.ts';
import { withRequests } from '../../support/memory-requests.ts';

const types: ResourceType[] = [pods, replicaSets, configMaps, secrets, customResourceDefinitions];

const thing = (
  type: ResourceType,
  name: string,
  ...owners: (ApiObject | undefined)[]
): ApiObject => ({
  apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
  kind: type.kind,
  metadata: {
    name,
    ...(type.namespaced ? { namespace: 'default' } : {}),
    ...(owners.length === 0
      ? {}
      : { ownerReferences: owners.map((one) => ownerReferenceTo(one as ApiObject)) }),
  },
});

function setUp() {
  const run = running(garbageController);
  const served = [...types];
  withRequests(run.api, served);
  const has = (type: ResourceType, name: string) =>
    run.api.store.find(type, { name, namespace: 'default' }) !== undefined;
  const seed = (type: ResourceType, name: string, ...owners: (ApiObject | undefined)[]) =>
    run.api.seed(type, thing(type, name, ...owners))[0];
  const remove = (
    type: ResourceType,
    name: string,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
  ) => run.api.collection(type).delete({ name, namespace: 'default' }, { propagationPolicy });
  /** The collector begins a second after the start. */
  const begin = async () => {
    run.start();
    await run.settle(2_000);
  };
  return { ...run, served, has, seed, remove, begin };
}

t.test('dependents go when their owner is gone, and theirs after them', async (t) => {
  const { has, seed, remove, begin, settle } = setUp();
  const set = seed(replicaSets, 'set');
  const pod = seed(pods, 'pod', set);
  seed(secrets, 'secret', pod);
  seed(secrets, 'free');
  await begin();
  t.ok(has(pods, 'pod') && has(secrets, 'secret'));
  await remove(replicaSets, 'set', 'Background');
  await settle();
  t.strictSame(
    [has(pods, 'pod'), has(secrets, 'secret'), has(secrets, 'free')],
    [false, false, true],
  );
});

t.test('what became garbage while nobody looked goes at the start', async (t) => {
  const { has, seed, remove, begin } = setUp();
  const set = seed(replicaSets, 'set');
  seed(pods, 'pod', set);
  await remove(replicaSets, 'set', 'Background');
  await begin();
  t.notOk(has(pods, 'pod'));
});

t.test('an owner of the same name but another uid is no owner', async (t) => {
  const { has, seed, remove, begin } = setUp();
  const before = seed(replicaSets, 'set');
  await remove(replicaSets, 'set', 'Background');
  seed(replicaSets, 'set');
  seed(pods, 'pod', before);
  await begin();
  t.notOk(has(pods, 'pod'));
});

t.test('an object with one owner left stays and forgets the other', async (t) => {
  const { api, has, seed, remove, begin, settle } = setUp();
  const [a, b] = [seed(replicaSets, 'a'), seed(configMaps, 'b')];
  seed(pods, 'pod', a, b);
  await begin();
  await remove(replicaSets, 'a', 'Background');
  await settle();
  t.ok(has(pods, 'pod'));
  const { metadata } = await api.collection(pods).get({ name: 'pod', namespace: 'default' });
  t.match(metadata.ownerReferences, [{ name: 'b' }]);
});

t.test('in the foreground the owner goes last', async (t) => {
  const { api, has, seed, remove, begin, settle } = setUp();
  const set = seed(replicaSets, 'set');
  seed(pods, 'pod', set);
  await api
    .collection(pods)
    .patch(
      { name: 'pod', namespace: 'default' },
      { metadata: { finalizers: ['x/slow'] } },
      'merge',
    );
  await begin();
  await remove(replicaSets, 'set', 'Foreground');
  await settle();
  t.ok(has(replicaSets, 'set'), 'it waits for the pod');
  await api
    .collection(pods)
    .patch({ name: 'pod', namespace: 'default' }, { metadata: { finalizers: null } }, 'merge');
  await settle();
  t.strictSame([has(pods, 'pod'), has(replicaSets, 'set')], [false, false]);
});

t.test('orphans stay, without a reference to their owner', async (t) => {
  const { api, has, seed, remove, begin, settle } = setUp();
  seed(pods, 'pod', seed(replicaSets, 'set'));
  await begin();
  await remove(replicaSets, 'set', 'Orphan');
  await settle();
  t.strictSame([has(pods, 'pod'), has(replicaSets, 'set')], [true, false]);
  const { metadata } = await api.collection(pods).get({ name: 'pod', namespace: 'default' });
  t.equal(metadata.ownerReferences, undefined);
});

t.test('an owner of a kind that is not served is not taken for gone', async (t) => {
  const { has, seed, begin, settle } = setUp();
  const stranger = thing({ ...configMaps, group: 'example.com', kind: 'Stranger' }, 's');
  stranger.metadata.uid = 'u';
  seed(pods, 'pod', stranger);
  await begin();
  await settle(300_000);
  t.ok(has(pods, 'pod'));
});

t.test('custom kinds take part as soon as they are defined', async (t) => {
  const { has, seed, remove, served, begin, settle } = setUp();
  await begin();
  const widgets = {
    group: 'example.com',
    version: 'v1',
    plural: 'widgets',
    kind: 'Widget',
    namespaced: true,
  };
  served.push(widgets);
  seed(customResourceDefinitions, 'widgets.example.com');
  await settle(1_000);
  seed(widgets, 'sub', seed(widgets, 'w'));
  await settle();
  t.ok(has(widgets, 'sub'));
  await remove(widgets, 'w', 'Background');
  await settle();
  t.notOk(has(widgets, 'sub'));
});
