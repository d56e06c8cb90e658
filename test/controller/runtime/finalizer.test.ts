import t from 'tap';
import { configMaps } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '#controller/runtime/finalizer.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const ref = { name: 'c', namespace: 'default' };

async function setUp() {
  const api = memoryApi();
  const collection = api.collection<ConfigMap>(configMaps);
  const made = await collection.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...ref },
  });
  return { api, collection, made };
}

t.test('an object with a finalizer stays until that is removed', async (t) => {
  const { api, collection, made } = await setUp();
  const held = await addFinalizer(collection, made, 'x/y');
  t.ok(hasFinalizer(held, 'x/y'));
  await collection.delete(ref);
  const leaving = await collection.get(ref);
  t.ok(leaving.metadata.deletionTimestamp);
  await removeFinalizer(collection, leaving, 'x/y');
  t.equal(api.store.find(configMaps, ref), undefined);
});

t.test('adding what is there and removing what is not are no writes', async (t) => {
  const { api, collection, made } = await setUp();
  const held = await addFinalizer(collection, made, 'x/y');
  const { revision } = api.store;
  await addFinalizer(collection, held, 'x/y');
  await removeFinalizer(collection, held, 'a/b');
  t.equal(api.store.revision, revision);
});

t.test('a change meanwhile is not undone but refused', async (t) => {
  const { collection, made } = await setUp();
  await collection.patch(ref, { metadata: { finalizers: ['other/one'] } }, 'merge');
  await t.rejects(addFinalizer(collection, made, 'x/y'), /has been modified/);
});
