import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces, serviceAccounts } from '#api/resources/resource-types.ts';
import { serviceAccountController } from '#controller/serviceaccount/controller.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const inNamespace = (kind: string, namespace: string, name: string): ApiObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace },
});
const namespace = (name: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

const map = 'kube-root-ca.crt';

t.test('a crash at any write furnishes every namespace all the same', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [serviceAccountController('the CA')],
      api: () => {
        const api = memoryApi();
        api.seed(namespaces, namespace('one'));
        api.seed(serviceAccounts, inNamespace('ServiceAccount', 'one', 'foreign'));
        api.seed(configMaps, inNamespace('ConfigMap', 'one', 'foreign'));
        return api;
      },
      steps: [
        (api) => api.collection(namespaces).create(namespace('two')),
        (api) => {
          const patch = { data: { 'ca.crt': 'forged', mine: 'x' } };
          return api.collection(configMaps).patch({ name: map, namespace: 'two' }, patch, 'merge');
        },
        (api) => api.collection(serviceAccounts).delete({ name: 'default', namespace: 'one' }),
      ],
      picture: (api) => whole(api, serviceAccounts, configMaps),
      foreign: /foreign/,
    },
    {
      writes: 6,
      end: [
        ['one/default', 'one/foreign', 'two/default'].map(at),
        [
          { ...at(`one/foreign`) },
          { ...at(`one/${map}`), data: { 'ca.crt': 'the CA' } },
          { ...at(`two/${map}`), data: { 'ca.crt': 'the CA', mine: 'x' } },
        ],
      ],
    },
  ),
);

function at(path: string) {
  const [namespace, name] = path.split('/');
  return { metadata: { namespace, name } };
}
