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
import { type Scenario, survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { withRequests } from '../../support/memory-requests.ts';

const types = [pods, replicaSets, configMaps, secrets, customResourceDefinitions];

interface Made {
  readonly owners?: readonly string[];
  readonly finalizers?: string[];
}

/** Makes objects whose owners are ReplicaSets or ConfigMaps made before, by name; references block their deletion. */
function seed(api: MemoryApi, type: ResourceType, name: string, { owners, finalizers }: Made = {}) {
  const at = (name: string) => ({ name, namespace: 'default' });
  const owner = (name: string) =>
    (api.store.find(replicaSets, at(name)) ?? api.store.find(configMaps, at(name))) as ApiObject;
  api.seed(type, {
    apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: {
      ...at(name),
      ...(owners === undefined
        ? {}
        : { ownerReferences: owners.map((one) => ownerReferenceTo(owner(one))) }),
      ...(finalizers === undefined ? {} : { finalizers }),
    },
  });
}

/** A set with two pods, a map that has a secret of its own, a map that another set owns too; and what is no business of ours. */
function family(): MemoryApi {
  const api = withRequests(memoryApi(), [...types]);
  seed(api, replicaSets, 'foreign-set');
  seed(api, pods, 'foreign-pod', { owners: ['foreign-set'] });
  seed(api, secrets, 'foreign-secret');
  seed(api, replicaSets, 'set');
  seed(api, replicaSets, 'other');
  for (const name of ['one', 'two']) seed(api, pods, name, { owners: ['set'] });
  seed(api, configMaps, 'map', { owners: ['set'] });
  seed(api, secrets, 'below', { owners: ['map'] });
  seed(api, configMaps, 'shared', { owners: ['set', 'other'] });
  return api;
}

const remove =
  (name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') => (api: MemoryApi) =>
    api.collection(replicaSets).delete({ name, namespace: 'default' }, { propagationPolicy });

/** `kind/name<owner,…` of everything, and all of it. */
const picture = (api: MemoryApi) => ({
  names: types
    .flatMap((type) => api.store.all(type))
    .map(({ kind, metadata: { name, ownerReferences = [] } }) =>
      [`${kind}/${name}`, ...ownerReferences.map((owner) => owner.name)].join('<'),
    )
    .sort()
    .join(' '),
  all: whole(api, ...types),
});

const foreign = ['Pod/foreign-pod<foreign-set', 'ReplicaSet/foreign-set', 'Secret/foreign-secret'];
/** What must be there in the end, whatever the order. */
const left = (...more: string[]) => ({ names: [...foreign, ...more].sort().join(' ') });

const scenario = (...steps: Scenario['steps']): Scenario => ({
  controllers: [garbageController],
  api: family,
  steps,
  picture,
  // The collector begins a second after the start, and first lists everything.
  lookMs: 1_500,
  foreign: /foreign/,
});

t.test('background: a crash at any write leaves no dependent, and those of others', (t) =>
  survivesCrashes(t, scenario(remove('set', 'Background')), {
    writes: 5,
    end: left('ReplicaSet/other', 'ConfigMap/shared<other'),
  }),
);

t.test('foreground: the owner goes last, whatever crash there is', (t) =>
  survivesCrashes(
    t,
    {
      ...scenario(remove('set', 'Foreground')),
      never: (api) => {
        const has = (name: string) => picture(api).names.includes(name);
        if (!has('ReplicaSet/set') && has('Pod/one')) return 'a set that is gone has a pod';
        return has('ConfigMap/map') || !has('Secret/below') ? undefined : 'the map went too early';
      },
    },
    { writes: 7, end: left('ReplicaSet/other', 'ConfigMap/shared<other') },
  ),
);

t.test('orphan: the dependents stay with what is theirs, whatever crash there is', (t) =>
  survivesCrashes(
    t,
    scenario(remove('set', 'Orphan'), (api) => seed(api, secrets, 'late', { owners: ['other'] })),
    {
      writes: 5,
      end: left(
        ...['Pod/one', 'Pod/two', 'ConfigMap/map', 'ConfigMap/shared<other'],
        ...['Secret/below<map', 'Secret/late<other', 'ReplicaSet/other'],
      ),
    },
  ),
);

t.test('a circle of owners goes in the foreground, whatever crash there is', (t) =>
  survivesCrashes(
    t,
    scenario(
      (api) => {
        seed(api, configMaps, 'egg', { owners: ['other'] });
        seed(api, configMaps, 'hen', { owners: ['egg'] });
        const [egg] = api.store.all(configMaps).filter(({ metadata }) => metadata.name === 'egg');
        const hen = api.store.find(configMaps, { name: 'hen', namespace: 'default' });
        const ownerReferences = [ownerReferenceTo(hen as ApiObject)];
        api.store.put(configMaps, {
          ...(egg as ApiObject),
          metadata: { ...(egg as ApiObject).metadata, ownerReferences },
        });
      },
      (api) =>
        api
          .collection(configMaps)
          .delete({ name: 'egg', namespace: 'default' }, { propagationPolicy: 'Foreground' }),
      remove('set', 'Background'),
    ),
    { writes: 7, end: left('ReplicaSet/other', 'ConfigMap/shared<other') },
  ),
);
