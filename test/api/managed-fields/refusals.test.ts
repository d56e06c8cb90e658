import t from 'tap';
import { builtIn, customKind, World } from './world.ts';

const deployments = builtIn('apps', 'deployments');
const services = builtIn('', 'services');
const things = customKind({ spec: { type: 'object', properties: { a: { type: 'string' } } } });
const head = 'failed to create typed patch object (default/it; ';

const refusals = [
  {
    name: 'a field that the kind does not have',
    kind: deployments,
    fields: { spec: { colour: 'red' } },
    message: `${head}apps/v1, Kind=Deployment): .spec.colour: field not declared in schema`,
  },
  {
    name: 'a field that the definition does not have',
    kind: things,
    fields: { spec: { b: '1' } },
    message: `${head}example.com/v1, Kind=Thing): .spec.b: field not declared in schema`,
  },
  {
    name: 'the same item twice',
    kind: services,
    fields: { spec: { ports: [{ port: 80 }, { port: 80, protocol: 'TCP' }] } },
    message: `${head}v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]`,
  },
  {
    name: 'an item without its key',
    kind: deployments,
    fields: { spec: { template: { spec: { containers: [{ image: 'x' }] } } } },
    message: `${head}apps/v1, Kind=Deployment): .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)`,
  },
  {
    name: 'a scalar for a map',
    kind: deployments,
    fields: { spec: { template: 'x' } },
    message: `${head}apps/v1, Kind=Deployment): .spec.template: expected map, got "x"`,
  },
  {
    name: 'a map for a list',
    kind: services,
    fields: { spec: { ports: { a: 1 } } },
    message: `${head}v1, Kind=Service): .spec.ports: expected list, got {"a":1}`,
  },
  {
    name: 'several at once',
    kind: deployments,
    fields: { x: 1, y: 2 },
    message: `${head}apps/v1, Kind=Deployment): errors:\n  .x: field not declared in schema\n  .y: field not declared in schema`,
  },
  {
    name: 'managers of its own',
    kind: deployments,
    fields: { metadata: { managedFields: [] } },
    message: 'metadata.managedFields must be nil',
  },
  {
    name: 'another version',
    kind: deployments,
    fields: { apiVersion: 'apps/v1beta1' },
    message: 'invalid object type: apps/v1beta1, Kind=Deployment',
  },
  {
    name: 'another kind',
    kind: deployments,
    fields: { kind: 'ReplicaSet' },
    message: 'invalid object type: apps/v1, Kind=ReplicaSet',
  },
  {
    name: 'a value of the wrong type',
    kind: deployments,
    fields: { spec: { replicas: 'three' } },
    message: /cannot be handled as a Deployment/,
  },
];

for (const { name, kind, fields, message } of refusals) {
  t.test(`a configuration is refused for ${name}`, async (t) => {
    const error = new World(kind).apply('a', fields);
    t.match(error?.message, message);
    t.equal(error?.code, 400);
  });
}

t.test('nesting without end is refused, and no owner of anything', async (t) => {
  const free = customKind({
    spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  });
  const nested = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
  const refused = new World(free).apply('a', { spec: nested });
  t.match(refused?.status, { code: 400, message: 'json: exceeded max depth' });
  const world = new World(free);
  world.update('a', { spec: { x: 1 } });
  const [entry] = world.live?.metadata.managedFields ?? [];
  const fieldsV1 = JSON.parse(`${'{"f:a":'.repeat(50_000)}{}${'}'.repeat(50_000)}`);
  world.update('b', { metadata: { managedFields: [{ ...entry, fieldsV1 }] }, spec: { x: 1 } });
  t.strictSame(Object.keys(world.owners), ['a Update']);
});

t.test('a conflict tells each field and manager as a cause', async (t) => {
  const world = new World(deployments);
  world.update('c', { spec: { replicas: 1 } });
  world.update('d', { spec: { replicas: 1 }, status: { replicas: 1 } }, { subresource: 'status' });
  const error = world.apply('a', { spec: { replicas: 2 } });
  t.match(error?.status, {
    code: 409,
    reason: 'Conflict',
    details: {
      causes: [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "c" using apps/v1',
          field: '.spec.replicas',
        },
      ],
    },
  });
  const status = world.apply('a', { status: { replicas: 2 } }, { subresource: 'status' });
  t.equal(
    status?.message,
    'Apply failed with 1 conflict: conflict with "d" with subresource "status" using apps/v1: .status.replicas',
  );
});
