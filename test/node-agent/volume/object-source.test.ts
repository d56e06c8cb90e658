/** How long the agent looks at ConfigMaps and Secrets of its pods. */
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { configMaps } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { ObjectSource } from '#node-agent/volume/object-source.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const configMap = (a: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cm', namespace: 'ns' },
  data: { a },
});

function rig(t: { teardown(run: () => unknown): void }, lingerMs?: number) {
  const api = memoryApi();
  api.seed(configMaps, configMap('1'));
  const collection = api.collection<ConfigMap>(configMaps);
  const source = new ObjectSource(collection, lingerMs === undefined ? {} : { lingerMs });
  t.teardown(() => source.close());
  return { api, source };
}

const lists = ({ requests }: MemoryApi): number =>
  requests.filter((request) => request.startsWith('list')).length;

t.test('an object without users is let go of at once', async (t) => {
  const { api, source } = rig(t);
  for (const _ of [1, 2]) {
    source.acquire('ns/cm');
    t.equal((await source.watched('ns/cm'))?.data?.['a'], '1');
    source.release('ns/cm');
  }
  t.equal(lists(api), 2);
});

t.test('one that lingers is there for the next user, and as it is then', async (t) => {
  const { api, source } = rig(t, 60_000);
  source.acquire('ns/cm');
  await source.watched('ns/cm');
  source.release('ns/cm');
  const changed = new Promise((done) => source.changes.subscribe(done));
  await api.collection<ConfigMap>(configMaps).update(configMap('2'));
  await changed;
  source.acquire('ns/cm');
  t.equal((await source.watched('ns/cm'))?.data?.['a'], '2');
  t.equal(lists(api), 1);
});

t.test('lingering has an end', async (t) => {
  const { api, source } = rig(t, 5);
  source.acquire('ns/cm');
  await source.watched('ns/cm');
  source.release('ns/cm');
  await sleep(50);
  source.acquire('ns/cm');
  await source.watched('ns/cm');
  t.equal(lists(api), 2);
});

t.test('a user who comes in time keeps it', async (t) => {
  const { api, source } = rig(t, 20);
  source.acquire('ns/cm');
  await source.watched('ns/cm');
  source.release('ns/cm');
  source.acquire('ns/cm');
  await sleep(60);
  await source.watched('ns/cm');
  t.equal(lists(api), 1);
});
