/** `[sig-api-machinery] FieldValidation …`: what a strict write says of fields that nobody knows or that come twice. */
import t from 'tap';
import { startApi } from './client.ts';

const api = await startApi();
t.teardown(() => api.server.close());
const strict = 'fieldManager=field_validation_mgr&fieldValidation=Strict';
const deployments = `/apis/apps/v1/namespaces/default/deployments?${strict}`;

/** A Deployment as text, with more in its metadata and its spec. */
const deployment = (meta: string, spec: string) => `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {"name": "my-dep", ${meta} "labels": {"app": "nginx"}},
  "spec": {${spec} "selector": {"matchLabels": {"app": "nginx"}},
    "template": {"metadata": {"labels": {"app": "nginx"}},
      "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}}}}`;

t.test('should detect unknown and duplicate fields of a typed object', async (t) => {
  const body = deployment('', '"unknownField": "foo", "replicas": 2, "replicas": 3,');
  const { status, json } = await api.post(deployments, body);
  t.equal(status, 400);
  t.match(
    json.message,
    'strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"',
  );
});

t.test('should detect unknown metadata fields of a typed object', async (t) => {
  const { status, json } = await api.post(deployments, deployment('"unknownMeta": "foo",', ''));
  t.equal(status, 400);
  t.match(json.message, 'strict decoding error: unknown field "metadata.unknownMeta"');
});

const cronSpec = { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' };
const ports = {
  type: 'array',
  'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
  'x-kubernetes-list-type': 'map',
  items: {
    type: 'object',
    required: ['containerPort', 'protocol'],
    properties: {
      containerPort: { format: 'int32', type: 'integer' },
      name: { type: 'string' },
      protocol: { type: 'string' },
    },
  },
};
const preserve = { 'x-kubernetes-preserve-unknown-fields': true };
const fields = { foo: { type: 'string' }, cronSpec, ports };
const withSpec = (spec: object) => ({
  type: 'object',
  properties: { spec: { type: 'object', ...spec } },
});

let count = 0;
/** A cluster-scoped kind in two versions; the path of its objects, and a document of one of them. */
async function customKind(openAPIV3Schema: object) {
  const plural = `noxus${count++}`;
  const version = { served: true, schema: { openAPIV3Schema } };
  const made = await api.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.mygroup.example.com` },
    spec: {
      group: 'mygroup.example.com',
      scope: 'Cluster',
      names: { plural, kind: `Wishi${plural}`, singular: `no${plural}` },
      versions: [
        { ...version, name: 'v1beta1', storage: true },
        { ...version, name: 'v1beta2', storage: false },
      ],
    },
  });
  if (made.status !== 201) throw new Error(made.text);
  return {
    apply: (yaml: string) =>
      api.patch(
        `/apis/mygroup.example.com/v1beta1/${plural}/mytest?${strict}`,
        `\napiVersion: mygroup.example.com/v1beta1\nkind: Wishi${plural}\n${yaml}`,
        'apply',
      ),
  };
}

const metadata = 'metadata:\n  name: mytest\n  finalizers:\n  - test-finalizer\n';
const rest =
  '  cronSpec: "* * * * */5"\n  ports:\n  - name: x\n    containerPort: 80\n    protocol: TCP';

t.test('should create/apply a valid CR for CRD with validation schema', async (t) => {
  const kind = await customKind(withSpec({ properties: fields }));
  t.equal((await kind.apply(`${metadata}spec:\n  foo: foo1\n${rest}`)).status, 201);
});

t.test(
  'should create/apply a CR with unknown fields for CRD with no validation schema',
  async (t) => {
    const kind = await customKind({ type: 'object', ...preserve });
    t.equal((await kind.apply(`${metadata}spec:\n  unknown: uk1\n${rest}`)).status, 201);
  },
);

t.test(
  'should create/apply an invalid CR with extra properties for CRD with validation schema',
  async (t) => {
    const kind = await customKind(withSpec({ properties: fields }));
    const answer = await kind.apply(
      `${metadata}unknownField: unknown\nspec:\n  foo: foo1\n${rest}`,
    );
    t.match(answer.text, '.unknownField: field not declared in schema');
    t.ok(answer.status >= 400);
  },
);

t.test(
  'should detect unknown metadata fields in both the root and embedded object of a CR',
  async (t) => {
    const template = {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      properties: {
        metadata: { type: 'object', properties: { name: { type: 'string' } } },
        spec: { type: 'object' },
      },
    };
    const kind = await customKind(withSpec({ ...preserve, properties: { ...fields, template } }));
    const answer = await kind.apply(
      `${metadata.replace('mytest\n', 'mytest\n  unknownMeta: unknown\n')}spec:
  template:
    apiversion: foo/v1
    kind: Sub
    metadata:
      unknownSubMeta: unknown
      name: subobject
      namespace: default
  foo: foo1\n${rest}`,
    );
    t.ok(answer.status >= 400);
    t.match(
      answer.text,
      /\.(spec\.template\.metadata\.unknownSubMeta|metadata\.unknownMeta): field not declared/,
    );
  },
);

t.test('should detect duplicates in a CR when preserving unknown fields', async (t) => {
  const kind = await customKind(withSpec({ ...preserve, properties: fields }));
  const answer = await kind.apply(
    `${metadata}spec:\n  unknown: uk1\n  foo: foo1\n  foo: foo2\n${rest}`,
  );
  t.ok(answer.status >= 400);
  t.match(answer.text, 'line 11: key \\"foo\\" already set in map');
});
