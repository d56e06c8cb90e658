import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces, serviceAccounts } from '#api/resources/resource-types.ts';
import type { ConfigMap } from '#api/resources/types.ts';
import { serviceAccountController } from '#controller/serviceaccount/controller.ts';
import { running } from '../../support/controllers.ts';

const ca = '-----BEGIN CERTIFICATE-----\n';
const namespace = (name: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

async function setUp() {
  const run = running(serviceAccountController(ca));
  run.api.seed(namespaces, namespace('one'), namespace('two'));
  run.start();
  await run.settle();
  const names = (type: typeof configMaps) =>
    run.api.store.all(type).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return { ...run, names };
}

t.test('every namespace has the default account and the CA of the cluster', async (t) => {
  const { api, names } = await setUp();
  t.strictSame(names(serviceAccounts), ['one/default', 'two/default']);
  t.strictSame(names(configMaps), ['one/kube-root-ca.crt', 'two/kube-root-ca.crt']);
  t.match((api.store.all(configMaps) as ConfigMap[])[0]?.data, { 'ca.crt': ca });
});

t.test('a namespace that comes later gets them too', async (t) => {
  const { api, settle, names } = await setUp();
  await api.collection(namespaces).create(namespace('three'));
  await settle();
  t.ok(names(serviceAccounts).includes('three/default'));
});

t.test('what is deleted comes back, what is changed is put right', async (t) => {
  const { api, settle, names } = await setUp();
  await api.collection(serviceAccounts).delete({ name: 'default', namespace: 'one' });
  const map = { name: 'kube-root-ca.crt', namespace: 'two' };
  await api.collection(configMaps).patch(map, { data: { 'ca.crt': 'forged', mine: 'x' } }, 'merge');
  await settle();
  t.ok(names(serviceAccounts).includes('one/default'));
  const { data } = (await api.collection(configMaps).get(map)) as ConfigMap;
  t.strictSame(data, { 'ca.crt': ca, mine: 'x' });
});

t.test('a namespace on its way out gets nothing more', async (t) => {
  const { api, settle, names } = await setUp();
  const leaving = namespace('leaving');
  leaving.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
  api.seed(namespaces, leaving);
  await settle();
  t.notOk(names(serviceAccounts).includes('leaving/default'));
});
