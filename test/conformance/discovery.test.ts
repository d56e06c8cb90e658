/** `[sig-api-machinery]`: version, discovery, tables. */
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());

t.test('server version should find the server version', async (t) => {
  const { json } = await api.get('/version');
  t.match(json, { major: '1', minor: '36', gitVersion: /^v1\.36/, platform: 'linux/amd64' });
});

interface Group {
  readonly name: string;
  readonly versions: readonly { groupVersion: string; version: string }[];
  readonly preferredVersion: { groupVersion: string };
}

t.test('Discovery should validate PreferredVersion for each APIGroup', async (t) => {
  const groups: Group[] = (await api.get('/apis')).json.groups;
  t.ok(groups.length > 15);
  for (const { name, versions, preferredVersion } of groups) {
    const { json } = await api.get(`/apis/${name}`);
    t.equal(json.preferredVersion.groupVersion, preferredVersion.groupVersion);
    t.ok(versions.some(({ groupVersion }) => groupVersion === preferredVersion.groupVersion));
  }
});

t.test(
  'Discovery should locate the groupVersion and a resource within each APIGroup',
  async (t) => {
    for (const [groupVersion, resource] of [
      ['admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations'],
      ['apiextensions.k8s.io/v1', 'customresourcedefinitions'],
      ['apiregistration.k8s.io/v1', 'apiservices'],
      ['apps/v1', 'deployments'],
      ['authentication.k8s.io/v1', 'tokenreviews'],
      ['authorization.k8s.io/v1', 'selfsubjectaccessreviews'],
      ['autoscaling/v2', 'horizontalpodautoscalers'],
      ['batch/v1', 'jobs'],
      ['certificates.k8s.io/v1', 'certificatesigningrequests'],
      ['coordination.k8s.io/v1', 'leases'],
      ['discovery.k8s.io/v1', 'endpointslices'],
      ['events.k8s.io/v1', 'events'],
      ['networking.k8s.io/v1', 'ingresses'],
      ['node.k8s.io/v1', 'runtimeclasses'],
      ['policy/v1', 'poddisruptionbudgets'],
      ['rbac.authorization.k8s.io/v1', 'clusterroles'],
      ['scheduling.k8s.io/v1', 'priorityclasses'],
      ['storage.k8s.io/v1', 'csinodes'],
      ['resource.k8s.io/v1', 'resourceclaims'],
    ] as const) {
      const { json } = await api.get(`/apis/${groupVersion}`);
      t.equal(json.groupVersion, groupVersion);
      const names = json.resources?.map(({ name }: { name: string }) => name) ?? [];
      t.ok(names.includes(resource), groupVersion);
    }
  },
);

const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

t.test(
  'AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers',
  async (t) => {
    for (const path of ['/api', '/apis']) {
      for (const [accept, type] of [
        [aggregated('v2'), aggregated('v2')],
        [`${aggregated('v2')},application/json`, aggregated('v2')],
        [`${aggregated('v2beta1')},application/json`, aggregated('v2beta1')],
        ['application/json', 'application/json'],
      ] as const) {
        const { headers, json } = await api.get(path, { accept });
        t.equal(headers['content-type'], type, `${path} ${accept}`);
        t.equal(json.kind === 'APIGroupDiscoveryList', type !== 'application/json');
      }
    }
  },
);

t.test('AggregatedDiscovery should support aggregated discovery interface', async (t) => {
  const read = async (path: string) =>
    (await api.get(path, { accept: aggregated('v2') })).json.items;
  const groups = [...(await read('/api')), ...(await read('/apis'))];
  const has = (group: string, version: string, resource: string) =>
    groups
      .find(({ metadata = {} }) => (metadata.name ?? '') === group)
      ?.versions.find((each: { version: string }) => each.version === version)
      ?.resources.some((each: { resource: string }) => each.resource === resource);
  t.ok(has('', 'v1', 'namespaces') && has('', 'v1', 'pods'));
  t.ok(has('apps', 'v1', 'deployments'));
  t.ok(has('admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations'));
});

for (const name of [
  'should support raw aggregated discovery request for CRDs',
  'should support aggregated discovery interface for CRDs',
]) {
  t.test(`AggregatedDiscovery ${name}`, async (t) => {
    const group = `${name.split(' ')[2]}.example.com`;
    const find = async () => {
      const { json } = await api.get('/apis', { accept: aggregated('v2') });
      return json.items.find(
        ({ metadata }: { metadata: { name: string } }) => metadata.name === group,
      );
    };
    await api.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `foos.${group}` },
      spec: {
        group,
        scope: 'Cluster',
        names: { plural: 'foos', kind: 'Foo' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
          },
        ],
      },
    });
    t.match((await find()).versions, [{ version: 'v1', resources: [{ resource: 'foos' }] }]);
    await api.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.${group}`);
    const deadline = Date.now() + 60_000;
    while ((await find()) !== undefined && Date.now() < deadline);
    t.equal(await find(), undefined);
  });
}

t.test(
  'Servers with support for Table transformation should return a 406 for a backend which does not implement metadata',
  async (t) => {
    const { raw } = await import('../support/raw-request.ts');
    const { status } = await raw(
      api.server,
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      {
        body: { spec: { resourceAttributes: { verb: 'list', resource: 'pods' } } },
        headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      },
    );
    t.equal(status, 406);
  },
);

t.test('AdmissionWebhook should include webhook resources in discovery documents', async (t) => {
  const groups: Group[] = (await api.get('/apis')).json.groups;
  const group = groups.find(({ name }) => name === 'admissionregistration.k8s.io');
  t.ok(group?.versions.some(({ version }) => version === 'v1'));
  t.match((await api.get('/apis/admissionregistration.k8s.io')).json.versions, [{ version: 'v1' }]);
  const { resources } = (await api.get('/apis/admissionregistration.k8s.io/v1')).json;
  const names = resources.map(({ name }: { name: string }) => name);
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])
    t.ok(names.includes(kind), kind);
});
