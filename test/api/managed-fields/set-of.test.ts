import t from 'tap';
import { pathTexts } from '#api/managed-fields/field-set.ts';
import { fieldSetOf, withNamedFields } from '#api/managed-fields/set-of.ts';
import { builtIn, customKind } from './world.ts';

const pods = builtIn('', 'pods');
const services = builtIn('', 'services');
const configMaps = builtIn('', 'configmaps');
const deployments = builtIn('apps', 'deployments');
const things = customKind({
  set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
  numbers: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'integer' } },
  atomic: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } } } },
  whole: {
    type: 'object',
    'x-kubernetes-map-type': 'atomic',
    properties: { a: { type: 'string' } },
  },
  ports: {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    items: {
      type: 'object',
      required: ['port'],
      properties: {
        port: { type: 'integer' },
        protocol: { type: 'string', default: 'TCP' },
        name: { type: 'string' },
      },
    },
  },
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  map: {
    type: 'object',
    additionalProperties: { type: 'object', properties: { a: { type: 'string' } } },
  },
  struct: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'object' } } },
});

const cases = [
  {
    name: 'scalars are leaves',
    kind: configMaps,
    value: { immutable: true },
    paths: ['.immutable'],
  },
  {
    name: 'keys of a map are members, the map is not',
    kind: configMaps,
    value: { data: { a: '1', b: '2' } },
    paths: ['.data.a', '.data.b'],
  },
  { name: 'an empty map is a member', kind: configMaps, value: { data: {} }, paths: ['.data'] },
  {
    name: 'null is a member',
    kind: deployments,
    value: { spec: { replicas: null, strategy: null } },
    paths: ['.spec.replicas', '.spec.strategy'],
  },
  {
    name: 'an atomic map is one leaf',
    kind: services,
    value: { spec: { selector: { a: 'b' } } },
    paths: ['.spec.selector'],
  },
  {
    name: 'an atomic type is one leaf',
    kind: deployments,
    value: { spec: { selector: { matchLabels: { a: 'b' } } } },
    paths: ['.spec.selector'],
  },
  {
    name: 'an atomic list is one leaf',
    kind: pods,
    value: { spec: { containers: [{ name: 'a', args: ['x', 'y'] }] } },
    paths: [
      '.spec.containers[name="a"]',
      '.spec.containers[name="a"].name',
      '.spec.containers[name="a"].args',
    ],
  },
  {
    name: 'an empty list with named items is not owned, an empty atomic one is',
    kind: things,
    value: { set: [], atomic: [] },
    paths: ['.atomic'],
  },
  {
    name: 'keys that are left out have their defaults',
    kind: services,
    value: { spec: { ports: [{ port: 80 }] } },
    paths: ['.spec.ports[port=80,protocol="TCP"]', '.spec.ports[port=80,protocol="TCP"].port'],
  },
  {
    name: 'values of sets are members',
    kind: things,
    value: { set: ['b', 'a'], numbers: [3] },
    paths: ['.set[="b"]', '.set[="a"]', '.numbers[=3]'],
  },
  {
    name: 'items of a list map with two keys',
    kind: things,
    value: { ports: [{ port: 1, protocol: 'UDP' }, { port: 1 }] },
    paths: [
      '.ports[port=1,protocol="UDP"]',
      '.ports[port=1,protocol="UDP"].port',
      '.ports[port=1,protocol="UDP"].protocol',
      '.ports[port=1,protocol="TCP"]',
      '.ports[port=1,protocol="TCP"].port',
    ],
  },
  {
    name: 'items with the same key are one leaf',
    kind: things,
    value: {
      ports: [
        { port: 1, name: 'a' },
        { port: 1, name: 'b' },
      ],
    },
    paths: ['.ports[port=1,protocol="TCP"]'],
  },
  {
    name: 'a map declared atomic is one leaf',
    kind: things,
    value: { whole: { a: 'x' } },
    paths: ['.whole'],
  },
  {
    name: 'undeclared fields are maps all the way, their lists leaves',
    kind: things,
    value: { free: { a: { b: 1, c: [1, 2] }, d: 'x' } },
    paths: ['.free.a', '.free.a.b', '.free.a.c', '.free.d'],
  },
  {
    name: 'map entries are members with what they hold',
    kind: things,
    value: { map: { x: { a: '1' }, y: {} } },
    paths: ['.map.x', '.map.x.a', '.map.y'],
  },
  {
    name: 'fields of a type are owned through what they hold',
    kind: things,
    value: { struct: { a: 'x', b: {} } },
    paths: ['.struct.a', '.struct.b'],
  },
  {
    name: 'unknown fields are passed over',
    kind: things,
    value: { nonsense: 1, struct: { nonsense: 1, a: 'x' } },
    paths: ['.struct.a'],
  },
];

for (const { name, kind, value, paths } of cases) {
  t.test(name, async (t) => {
    t.strictSame(pathTexts(fieldSetOf(kind.schema, value)), paths);
  });
}

const unkeyable = [
  {
    name: 'a key without a default',
    value: { ports: [{ protocol: 'TCP' }] },
    why: /omits key field "port"/,
  },
  { name: 'null as an item', value: { ports: [null] }, why: /may not have a null element/ },
  { name: 'a scalar as an item', value: { ports: [1] }, why: /may not have non-map elements/ },
  { name: 'null in a set', value: { set: [null] }, why: /explicit null/ },
  { name: 'a list in a set', value: { set: [[]] }, why: /lists as elements/ },
  { name: 'a map in a set', value: { set: [{}] }, why: /a map type/ },
];

for (const { name, value, why } of unkeyable) {
  t.test(`${name} cannot be owned`, async (t) => {
    t.throws(() => fieldSetOf(things.schema, value), why);
  });
}

t.test('named fields above a member become members, maps and lists do not', async (t) => {
  const set = fieldSetOf(pods.schema, {
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'x', resources: { limits: { cpu: '1' } } }] },
  });
  t.strictSame(pathTexts(withNamedFields(pods.schema, set)), [
    '.metadata',
    '.metadata.labels',
    '.metadata.labels.a',
    '.spec',
    '.spec.containers',
    '.spec.containers[name="x"]',
    '.spec.containers[name="x"].name',
    '.spec.containers[name="x"].resources',
    '.spec.containers[name="x"].resources.limits',
    '.spec.containers[name="x"].resources.limits.cpu',
  ]);
});
