import t from 'tap';
import { createKinds } from '#api/schema/kinds.ts';
import { cronTab } from './fixtures.ts';

const kinds = createKinds();

t.test('every GA kind of Kubernetes 1.36 is registered', async (t) => {
  const groups = new Set(kinds.all().map((kind) => `${kind.group}/${kind.version}`));
  t.strictSame([...groups].sort(), [
    '/v1',
    'admissionregistration.k8s.io/v1',
    'apiextensions.k8s.io/v1',
    'apiregistration.k8s.io/v1',
    'apps/v1',
    'authentication.k8s.io/v1',
    'authorization.k8s.io/v1',
    'autoscaling/v1',
    'autoscaling/v2',
    'batch/v1',
    'certificates.k8s.io/v1',
    'coordination.k8s.io/v1',
    'discovery.k8s.io/v1',
    'events.k8s.io/v1',
    'flowcontrol.apiserver.k8s.io/v1',
    'metrics.k8s.io/v1beta1',
    'networking.k8s.io/v1',
    'node.k8s.io/v1',
    'policy/v1',
    'rbac.authorization.k8s.io/v1',
    'resource.k8s.io/v1',
    'scheduling.k8s.io/v1',
    'storage.k8s.io/v1',
  ]);
  t.equal(kinds.all().length, 70);
});

t.test("every kind's schema can be read and has the fields of an object", async (t) => {
  for (const kind of kinds.all()) {
    const names = [...(kind.schema.fields?.keys() ?? [])];
    for (const name of ['apiVersion', 'kind', 'metadata']) {
      t.ok(names.includes(name), `${kind.group}/${kind.kind} has ${name}`);
    }
  }
});

t.test("objects lie where kube-apiserver's lie", async (t) => {
  const cases: [string, string, string][] = [
    ['', 'pods', '/registry/pods'],
    ['', 'nodes', '/registry/minions'],
    ['', 'services', '/registry/services/specs'],
    ['', 'endpoints', '/registry/services/endpoints'],
    ['', 'replicationcontrollers', '/registry/controllers'],
    ['apps', 'deployments', '/registry/deployments'],
    ['coordination.k8s.io', 'leases', '/registry/leases'],
    ['networking.k8s.io', 'ingresses', '/registry/ingress'],
    ['events.k8s.io', 'events', '/registry/events'],
    ['rbac.authorization.k8s.io', 'clusterroles', '/registry/clusterroles'],
    [
      'apiextensions.k8s.io',
      'customresourcedefinitions',
      '/registry/apiextensions.k8s.io/customresourcedefinitions',
    ],
  ];
  for (const [group, plural, prefix] of cases) {
    t.equal(kinds.find(group, 'v1', plural)?.storagePrefix, prefix);
  }
  t.equal(kinds.find('events.k8s.io', 'v1', 'events')?.storageApiVersion, 'v1');
  t.equal(
    kinds.find('autoscaling', 'v1', 'horizontalpodautoscalers')?.storageApiVersion,
    'autoscaling/v2',
  );
});

t.test('kinds know their subresources, columns and selectable fields', async (t) => {
  const pods = kinds.find('', 'v1', 'pods');
  t.ok(pods?.subresources.some(({ name, kind }) => name === 'eviction' && kind === 'Eviction'));
  t.equal(pods?.columns[0]?.name, 'Name');
  t.ok(pods?.selectableFields.includes('spec.nodeName'));
  const scale = kinds
    .find('apps', 'v1', 'deployments')
    ?.subresources.find(({ name }) => name === 'scale');
  t.match(scale, { group: 'autoscaling', version: 'v1', kind: 'Scale' });
  t.strictSame(
    kinds.find('rbac.authorization.k8s.io', 'v1', 'roles')?.columns.map(({ name }) => name),
    ['Name', 'Created At'],
  );
});

t.test('reviews are created and never stored', async (t) => {
  t.equal(kinds.find('authentication.k8s.io', 'v1', 'tokenreviews')?.virtual, true);
  t.equal(kinds.find('', 'v1', 'pods')?.virtual, false);
});

t.test('bodies of subresources have a schema, but are no resources', async (t) => {
  t.equal(kinds.ofObject('autoscaling/v1', 'Scale')?.virtual, true);
  t.ok(kinds.ofObject('policy/v1', 'Eviction')?.schema.fields?.has('deleteOptions'));
  t.notOk(kinds.all().some(({ kind }) => kind === 'Eviction'));
});

t.test('a type that contains itself can be followed to any depth', async (t) => {
  const definition = kinds.ofObject('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  let schema = definition?.schema.fields
    ?.get('spec')
    ?.schema.fields?.get('versions')
    ?.schema.items?.fields?.get('schema')
    ?.schema.fields?.get('openAPIV3Schema')?.schema;
  for (let depth = 0; depth < 5; depth += 1) {
    schema = schema?.fields?.get('properties')?.schema.items;
    t.ok(schema?.fields?.has('x-kubernetes-preserve-unknown-fields'));
  }
});

t.test('custom kinds come with an established definition and go with it', async (t) => {
  const registry = createKinds();
  const before = registry.generation;
  registry.setCustom([cronTab({ established: false })]);
  t.equal(registry.find('stable.example.com', 'v1', 'crontabs'), undefined);
  registry.setCustom([cronTab()]);
  const kind = registry.find('stable.example.com', 'v1', 'crontabs');
  t.match(kind, { kind: 'CronTab', namespaced: true, listKind: 'CronTabList' });
  t.equal(registry.ofObject('stable.example.com/v1', 'CronTab'), kind);
  registry.setCustom([cronTab()]);
  t.equal(
    registry.find('stable.example.com', 'v1', 'crontabs'),
    kind,
    'unchanged: the same object',
  );
  registry.setCustom([]);
  t.equal(registry.find('stable.example.com', 'v1', 'crontabs'), undefined);
  t.ok(registry.generation > before);
});

t.test('a definition cannot take the place of a built-in kind', async (t) => {
  const registry = createKinds();
  const pods = registry.find('', 'v1', 'pods');
  const crd = cronTab();
  crd.spec.group = '';
  crd.spec.names.plural = 'pods';
  registry.setCustom([crd]);
  t.equal(registry.find('', 'v1', 'pods'), pods);
});
