import t from 'tap';
import { clusterRoles } from '#api/resources/resource-types.ts';
import type { ClusterRole } from '#api/resources/types.ts';
import { clusterRoleAggregationController } from '#controller/clusterrole-aggregation/controller.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const role = (name: string, to: string, ...resources: string[]): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels: { to } },
  rules: resources.map((resource) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })),
});
const collector = (name: string, to: string, from: string): ClusterRole => ({
  ...role(name, to),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: from } }] },
});

t.test('a crash at any write fills the roles that collect, and no other', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [clusterRoleAggregationController],
      api: () => {
        const api = memoryApi();
        api.seed(clusterRoles, collector('all', '', 'all'), collector('few', 'all', 'few'));
        api.seed(clusterRoles, role('foreign-a', 'few', 'pods', 'nodes'));
        api.seed(clusterRoles, role('foreign-b', 'nobody', 'leases'));
        return api;
      },
      steps: [
        () => undefined,
        (api: MemoryApi) => api.seed(clusterRoles, role('foreign-c', 'few', 'events', 'pods')),
        (api: MemoryApi) => api.collection(clusterRoles).delete({ name: 'foreign-a' }),
      ],
      picture: (api) => ({
        collected: (api.store.all(clusterRoles) as ClusterRole[])
          .filter(({ aggregationRule }) => aggregationRule !== undefined)
          .map(({ rules = [] }) => rules.flatMap(({ resources }) => resources).join(' ')),
        // How often a role is written may differ: what is in it may not.
        all: (whole(api, clusterRoles) as ClusterRole[][])[0]?.map(
          ({ metadata: { generation: _, ...metadata }, ...rest }) => ({ ...rest, metadata }),
        ),
      }),
      foreign: /foreign/,
    },
    { writes: 6, end: { collected: ['events pods', 'events pods'] } },
  ),
);
