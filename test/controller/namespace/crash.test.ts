import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces, nodes, pods, secrets } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { namespaceController } from '#controller/namespace/controller.ts';
import { aPod } from '../../support/builders.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { withRequests } from '../../support/memory-requests.ts';

const thing = (
  kind: string,
  namespace: string,
  name: string,
  finalizers?: string[],
): ApiObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace, ...(finalizers === undefined ? {} : { finalizers }) },
});

const bound = (namespace: string, name: string): Pod => {
  const pod = aPod(name, { nodeName: 'a' });
  return { ...pod, metadata: { ...pod.metadata, namespace }, status: { phase: 'Running' } };
};

/** Two namespaces with the same things in them; one of them is to go. */
function twoNamespaces(): MemoryApi {
  const api = withRequests(memoryApi(), [pods, configMaps, secrets, nodes]);
  const spec = { finalizers: ['kubernetes'] };
  for (const name of ['temp', 'foreign']) {
    api.seed(namespaces, {
      ...thing('Namespace', '', name),
      metadata: { name },
      spec,
    } as ApiObject);
    api.seed(pods, bound(name, 'one'), bound(name, 'two'));
    api.seed(secrets, thing('Secret', name, 'password'));
    api.seed(configMaps, thing('ConfigMap', name, 'plain'));
    api.seed(configMaps, thing('ConfigMap', name, 'held', ['example.com/held']));
  }
  return api;
}

t.test('a crash at any write empties the namespace in order, and no other', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [namespaceController],
      api: twoNamespaces,
      steps: [
        // As the API server does; the API in memory does not know finalizers in the spec.
        (api) => {
          const held = api.store.find(namespaces, { name: 'temp' }) as ApiObject;
          const metadata = {
            ...held.metadata,
            deletionTimestamp: '2030-01-01T00:00:00Z',
            finalizers: ['test/spec-finalizers'],
          };
          api.store.put(namespaces, { ...held, metadata });
        },
        (api) =>
          api
            .collection(configMaps)
            .patch(
              { name: 'held', namespace: 'temp' },
              { metadata: { finalizers: null } },
              'merge',
            ),
      ],
      picture: (api) => ({
        names: [namespaces, pods, configMaps, secrets]
          .flatMap((type) => api.store.all(type))
          .map(({ metadata: { namespace = '', name } }) => `${namespace}/${name}`)
          .join(' '),
        all: whole(api, namespaces, pods, configMaps, secrets),
      }),
      // What is left is looked at again after five seconds at the latest.
      lookMs: 2_000,
      foreign: /foreign/,
      never: (api) => {
        const has = (type: typeof pods, name: string) =>
          api.store.find(type, { name, namespace: 'temp' }) !== undefined;
        if (has(pods, 'one') && !has(secrets, 'password')) return 'a pod lost its Secret';
        const isThere = api.store.find(namespaces, { name: 'temp' }) !== undefined;
        return has(configMaps, 'held') && !isThere ? 'the namespace went before all' : undefined;
      },
    },
    {
      writes: 5,
      end: {
        names: '/foreign foreign/one foreign/two foreign/held foreign/plain foreign/password',
      },
    },
  ),
);
