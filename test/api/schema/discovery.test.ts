import { createHash } from 'node:crypto';
import t from 'tap';
import {
  aggregated,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  compareVersions,
  type DiscoveryDocument,
  hashOf,
} from '#api/schema/discovery.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { cronTab, kindsWithCronTab } from './fixtures.ts';

const kinds = createKinds();
const read = (document: DiscoveryDocument | undefined) =>
  JSON.parse(document?.bytes.toString('utf8') ?? 'null');
const writing = 'create,delete,deletecollection,get,list,patch,update,watch';

t.test('the core group tells its one version', async (t) => {
  t.match(read(apiVersions('10.0.0.1:6443')), {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ serverAddress: '10.0.0.1:6443' }],
  });
});

t.test('groups come in the order of kube-apiserver, the preferred version first', async (t) => {
  const { kind, groups } = read(apiGroupList(kinds));
  t.equal(kind, 'APIGroupList');
  t.strictSame(
    groups.map((group: { name: string; versions: { version: string }[] }) =>
      [group.name, ...group.versions.map(({ version }) => version)].join(' '),
    ),
    [
      'apiregistration.k8s.io v1',
      'apps v1',
      'events.k8s.io v1',
      'authentication.k8s.io v1',
      'authorization.k8s.io v1',
      'autoscaling v2 v1',
      'batch v1',
      'certificates.k8s.io v1',
      'networking.k8s.io v1',
      'policy v1',
      'rbac.authorization.k8s.io v1',
      'storage.k8s.io v1',
      'admissionregistration.k8s.io v1',
      'apiextensions.k8s.io v1',
      'scheduling.k8s.io v1',
      'coordination.k8s.io v1',
      'node.k8s.io v1',
      'discovery.k8s.io v1',
      'resource.k8s.io v1',
      'flowcontrol.apiserver.k8s.io v1',
      'metrics.k8s.io v1beta1',
    ],
  );
  t.match(read(apiGroup(kinds, 'autoscaling')), {
    kind: 'APIGroup',
    name: 'autoscaling',
    preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
  });
  t.equal(apiGroup(kinds, 'nobody'), undefined);
});

t.test('the resources of a version are told with their subresources', async (t) => {
  const { groupVersion, resources } = read(apiResourceList(kinds, '', 'v1'));
  t.equal(groupVersion, 'v1');
  const lines = resources.map(
    (entry: { name: string; kind: string; namespaced: boolean; verbs: string[] }) =>
      `${entry.name} ${entry.kind} ${entry.namespaced} ${entry.verbs}`,
  );
  t.equal(lines.length, 39);
  for (const line of [
    `configmaps ConfigMap true ${writing}`,
    'namespaces/finalize Namespace false update',
    'pods/eviction Eviction true create',
    'pods/log Pod true get',
    'nodes/proxy NodeProxyOptions false create,delete,get,patch,update',
    'serviceaccounts/token TokenRequest true create',
  ]) {
    t.ok(lines.includes(line), line);
  }
  const entry = (name: string) => resources.find((item: { name: string }) => item.name === name);
  t.strictSame(entry('configmaps'), {
    name: 'configmaps',
    singularName: 'configmap',
    namespaced: true,
    kind: 'ConfigMap',
    verbs: writing.split(','),
    shortNames: ['cm'],
    storageVersionHash: 'qFsyl6wFWjQ=',
  });
  t.match(entry('replicationcontrollers/scale'), { group: 'autoscaling', version: 'v1' });
  t.equal(apiResourceList(kinds, 'apps', 'v9'), undefined);
});

t.test('the aggregated form holds the same in one document', async (t) => {
  const core = read(aggregated(kinds, 'api', 'v2'));
  t.match(core, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
  t.equal(core.items.length, 1);
  const apis = read(aggregated(kinds, 'apis', 'v2beta1'));
  t.equal(apis.apiVersion, 'apidiscovery.k8s.io/v2beta1');
  const apps = apis.items.find(
    (item: { metadata: { name: string } }) => item.metadata.name === 'apps',
  );
  t.match(apps.versions[0], { version: 'v1', freshness: 'Current' });
  t.strictSame(
    apps.versions[0].resources.find(
      (item: { resource: string }) => item.resource === 'deployments',
    ),
    {
      resource: 'deployments',
      responseKind: { group: '', version: '', kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      verbs: writing.split(','),
      shortNames: ['deploy'],
      categories: ['all'],
      subresources: [
        {
          subresource: 'scale',
          responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
          verbs: ['get', 'patch', 'update'],
        },
        {
          subresource: 'status',
          responseKind: { group: '', version: '', kind: 'Deployment' },
          verbs: ['get', 'patch', 'update'],
        },
      ],
    },
  );
});

t.test('custom kinds appear with their group, and the ETag changes only then', async (t) => {
  const registry = kindsWithCronTab();
  const before = aggregated(registry, 'apis', 'v2');
  t.equal(aggregated(registry, 'apis', 'v2'), before, 'made once');
  t.equal(
    before.etag,
    `"${createHash('sha512').update(before.bytes).digest('hex').toUpperCase()}"`,
  );
  t.equal(before.etag, `"${hashOf(before.bytes)}"`);
  t.match(read(apiResourceList(registry, 'stable.example.com', 'v1')).resources[0], {
    name: 'crontabs',
    kind: 'CronTab',
    shortNames: ['ct'],
  });
  registry.setCustom([cronTab()]);
  t.equal(aggregated(registry, 'apis', 'v2').etag, before.etag);
  registry.setCustom([]);
  t.not(aggregated(registry, 'apis', 'v2').etag, before.etag);
});

t.test('versions are ordered by maturity, then by number', async (t) => {
  const versions = [
    'foo1',
    'v1',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'foo10',
    'v11beta2',
    'v10',
    'v2',
    'v10beta3',
  ];
  t.strictSame(versions.toSorted(compareVersions), [
    'v10',
    'v2',
    'v1',
    'v11beta2',
    'v10beta3',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'foo1',
    'foo10',
  ]);
});
