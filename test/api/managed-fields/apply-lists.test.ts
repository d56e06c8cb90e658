import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { testSituations } from './situations.ts';
import { builtIn, customKind, World } from './world.ts';

const services = builtIn('', 'services');
const things = customKind({
  spec: {
    type: 'object',
    properties: {
      a: { type: 'string' },
      b: { type: 'string' },
      set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      list: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: {
          type: 'object',
          required: ['name'],
          properties: {
            name: { type: 'string' },
            value: { type: 'integer' },
            other: { type: 'integer' },
          },
        },
      },
      atomic: { type: 'array', items: { type: 'string' } },
      whole: {
        type: 'object',
        'x-kubernetes-map-type': 'atomic',
        additionalProperties: { type: 'string' },
      },
      map: { type: 'object', additionalProperties: { type: 'string' } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      nested: {
        type: 'object',
        properties: { x: { type: 'object', properties: { y: { type: 'string' } } } },
      },
    },
  },
});

const spec = (fields: JsonObject): JsonObject => ({ spec: fields });
const item = (name: string, value?: number, other?: number) => ({
  name,
  ...(value === undefined ? {} : { value }),
  ...(other === undefined ? {} : { other }),
});
const list = (...names: string[]) => names.map((name) => item(name));
const owned = (...names: string[]) =>
  names.flatMap((name) => [`.spec.list[name="${name}"]`, `.spec.list[name="${name}"].name`]);

testSituations([
  {
    name: 'an empty configuration gives everything up',
    kind: things,
    steps: [{ apply: ['a', spec({ a: '1' })] }, { apply: ['a', {}] }],
    fields: {},
    owners: {},
  },
  {
    name: 'items of a list are removed with their fields',
    kind: things,
    steps: [
      { apply: ['a', spec({ list: [item('x', 1), item('y', 2)] })] },
      { apply: ['a', spec({ list: [item('y', 2)] })] },
    ],
    fields: spec({ list: [item('y', 2)] }),
    owners: { 'a Apply': [...owned('y'), '.spec.list[name="y"].value'] },
  },
  {
    name: 'an item that others own stays, without what only the applier owned',
    kind: things,
    steps: [
      { apply: ['a', spec({ list: [item('x', 1)] })] },
      { apply: ['b', spec({ list: [item('x', undefined, 2)] })] },
      { apply: ['a', spec({ a: '1' })] },
    ],
    fields: spec({ list: [item('x', undefined, 2)], a: '1' }),
    owners: { 'a Apply': ['.spec.a'], 'b Apply': [...owned('x'), '.spec.list[name="x"].other'] },
  },
  {
    name: 'fields of an item whose name nobody else owns go with the item',
    kind: things,
    steps: [
      { apply: ['a', spec({ a: '1', list: [item('x', 1)] })] },
      { update: ['c', spec({ a: '1', list: [item('x', 1, 2)] })] },
      { apply: ['a', spec({ a: '1' })] },
    ],
    fields: spec({ a: '1' }),
    owners: { 'a Apply': ['.spec.a'] },
  },
  {
    name: 'sets are joined and each takes out its own',
    kind: things,
    steps: [
      { apply: ['a', spec({ set: ['x', 'y'] })] },
      { apply: ['b', spec({ set: ['y', 'z'] })] },
      { apply: ['a', spec({ set: ['x'] })] },
      { apply: ['b', spec({ set: ['z'] })] },
    ],
    fields: spec({ set: ['x', 'z'] }),
    owners: { 'a Apply': ['.spec.set[="x"]'], 'b Apply': ['.spec.set[="z"]'] },
  },
  {
    name: 'an atomic list is owned and replaced as a whole',
    kind: things,
    steps: [
      { apply: ['a', spec({ atomic: ['x'] })] },
      { apply: ['b', spec({ atomic: ['y'] })], refused: /conflict with "a": \.spec\.atomic$/ },
      { apply: ['b', spec({ atomic: ['y'] })], force: true },
    ],
    fields: spec({ atomic: ['y'] }),
    owners: { 'b Apply': ['.spec.atomic'] },
  },
  {
    name: 'an atomic map is owned and replaced as a whole',
    kind: services,
    steps: [
      { apply: ['a', spec({ selector: { a: '1', b: '1' } })] },
      { apply: ['a', spec({ selector: { b: '2' } })] },
    ],
    fields: spec({ selector: { b: '2' } }),
    owners: { 'a Apply': ['.spec.selector'] },
  },
  {
    name: 'a map of strings is owned key by key',
    kind: things,
    steps: [
      { apply: ['a', spec({ map: { x: '1' } })] },
      { apply: ['b', spec({ map: { y: '1' } })] },
      { apply: ['b', spec({ map: { y: '2' } })] },
    ],
    fields: spec({ map: { x: '1', y: '2' } }),
    owners: { 'a Apply': ['.spec.map.x'], 'b Apply': ['.spec.map.y'] },
  },
  {
    name: 'an atomic map of a custom kind conflicts as a whole',
    kind: things,
    steps: [
      { apply: ['a', spec({ whole: { x: '1' } })] },
      { apply: ['b', spec({ whole: { y: '1' } })], refused: /conflict with "a": \.spec\.whole$/ },
    ],
    fields: spec({ whole: { x: '1' } }),
    owners: { 'a Apply': ['.spec.whole'] },
  },
  {
    name: 'undeclared fields are owned one by one',
    kind: things,
    steps: [
      { apply: ['a', spec({ free: { x: { one: 1 }, list: [1, 2] } })] },
      { apply: ['b', spec({ free: { x: { two: 2 } } })] },
      { apply: ['a', spec({ free: { list: [3] } })] },
    ],
    fields: spec({ free: { x: { two: 2 }, list: [3] } }),
    owners: { 'a Apply': ['.spec.free.list'], 'b Apply': ['.spec.free.x', '.spec.free.x.two'] },
  },
  {
    name: 'a nested object goes when its last field does',
    kind: things,
    steps: [
      { apply: ['a', spec({ a: '1', nested: { x: { y: '1' } } })] },
      { apply: ['a', spec({ a: '1' })] },
    ],
    fields: spec({ a: '1' }),
    owners: { 'a Apply': ['.spec.a'] },
  },
  {
    name: 'ports that differ in the protocol are two, one without has the default',
    kind: services,
    steps: [
      { apply: ['a', spec({ ports: [{ port: 53 }] })] },
      { apply: ['b', spec({ ports: [{ port: 53, protocol: 'UDP' }] })] },
      { apply: ['a', spec({ ports: [{ port: 53, protocol: 'TCP', name: 'dns' }] })] },
    ],
    fields: spec({
      ports: [
        { port: 53, protocol: 'TCP', name: 'dns' },
        { port: 53, protocol: 'UDP' },
      ],
    }),
    owners: {
      'a Apply': ['', '.name', '.port', '.protocol'].map(
        (end) => `.spec.ports[port=53,protocol="TCP"]${end}`,
      ),
      'b Apply': ['', '.port', '.protocol'].map(
        (end) => `.spec.ports[port=53,protocol="UDP"]${end}`,
      ),
    },
  },
]);

const orders = [
  { live: ['a', 'b', 'c'], applied: ['c', 'a'], is: ['b', 'c', 'a'] },
  { live: ['a', 'b', 'c'], applied: ['a', 'x', 'c'], is: ['a', 'b', 'x', 'c'] },
  { live: ['a', 'b'], applied: ['x', 'y'], is: ['a', 'b', 'x', 'y'] },
  { live: ['a', 'b', 'c'], applied: ['c', 'b', 'a'], is: ['c', 'b', 'a'] },
  { live: [], applied: ['b', 'a'], is: ['b', 'a'] },
  { live: ['a', 'b', 'c', 'd'], applied: ['b'], is: ['a', 'b', 'c', 'd'] },
];

for (const { live, applied, is } of orders) {
  t.test(`[${applied}] applied to [${live}] is [${is}]`, async (t) => {
    const world = new World(things);
    world.update('c', spec({ list: list(...live) }));
    t.equal(world.apply('a', spec({ list: list(...applied) })), undefined);
    t.same(world.fields, spec({ list: list(...is) }));
  });
}

t.test('a custom object that is created is owned from its first field on', async (t) => {
  const world = new World(things);
  world.update('a', { spec: { a: '1' } });
  t.strictSame(world.owners, { 'a Update': ['.spec', '.spec.a'] });
});
