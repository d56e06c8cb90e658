import t from 'tap';
import { clusterRoleBindings, networkPolicies } from '#api/resources/resource-types.ts';
import type { ClusterRoleBinding, NetworkPolicy } from '#api/resources/types.ts';
import { networkPolicyController } from '#controller/network-policy/controller.ts';
import { type Scenario, survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const policy = (name: string): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'default', name },
  spec: { podSelector: {} },
});
const foreign: ClusterRoleBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'foreign' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
};

const create = (name: string) => (api: MemoryApi) =>
  api.collection<NetworkPolicy>(networkPolicies).create(policy(name));
const remove = (name: string) => (api: MemoryApi) =>
  api.collection(networkPolicies).delete({ namespace: 'default', name });

const scenario = (...steps: Scenario['steps']): Scenario => ({
  controllers: [networkPolicyController],
  api: () => {
    const api = memoryApi();
    api.seed(clusterRoleBindings, foreign);
    return api;
  },
  steps,
  picture: (api) => whole(api, clusterRoleBindings),
  foreign: /foreign/,
});

const binding = { metadata: { name: 'bayplan:node-peers' } };

t.test('a crash at any write binds the role once while there is a policy', (t) =>
  survivesCrashes(t, scenario(create('a'), remove('a'), create('b')), {
    writes: 3,
    end: [[binding, { metadata: foreign.metadata }]],
  }),
);

t.test('a crash at any write takes the binding away with the last policy', (t) =>
  survivesCrashes(t, scenario(create('a'), create('b'), remove('a'), remove('b')), {
    writes: 2,
    end: [[{ metadata: foreign.metadata }]],
  }),
);
