import t from 'tap';
import { applyStrategicPatch } from '#api/patch/strategic-patch.ts';
import type { JsonObject } from '#api/resources/json.ts';
import type { Field, Schema } from '#api/schema/schema.ts';

const string: Schema = { type: 'string' };
const object = (fields: Record<string, Field | Schema>): Schema => ({
  type: 'object',
  fields: new Map(
    Object.entries(fields).map(([name, field]) => [
      name,
      'schema' in field ? field : { schema: field },
    ]),
  ),
});
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const mergedBy = (key: string, items: Schema, ...more: string[]): Field => ({
  schema: listOf(items),
  patchStrategy: ['merge', ...more],
  patchMergeKey: key,
});

const port = object({ containerPort: { type: 'integer' }, name: string });
const container = object({
  name: string,
  image: string,
  args: listOf(string),
  ports: mergedBy('containerPort', port),
});
const schema = object({
  set: { schema: listOf(string), patchStrategy: ['merge'] },
  atomic: listOf(string),
  atomicObjects: listOf(container),
  containers: mergedBy('name', container),
  volumes: mergedBy('name', object({ name: string, emptyDir: { type: 'object' } }), 'retainKeys'),
  labels: { type: 'map', items: string },
  strategy: {
    schema: object({ type: string, rollingUpdate: { type: 'object' } }),
    patchStrategy: ['retainKeys'],
  },
  whole: { schema: object({ a: string, b: string }), patchStrategy: ['replace'] },
  nested: object({ a: string, b: string }),
});

type Case = [name: string, doc: JsonObject, patch: JsonObject, result: JsonObject];
const a = { name: 'a', image: 'a:1' };
const b = { name: 'b', image: 'b:1' };
const c = { name: 'c', image: 'c:1' };

const CASES: Case[] = [
  [
    'a scalar is replaced',
    { nested: { a: '1', b: '2' } },
    { nested: { a: '3' } },
    { nested: { a: '3', b: '2' } },
  ],
  ['null deletes', { nested: { a: '1', b: '2' } }, { nested: { a: null } }, { nested: { b: '2' } }],
  ['null of nothing is no field', {}, { nested: { a: null, b: '1' } }, { nested: { b: '1' } }],
  ['maps merge', { labels: { x: '1' } }, { labels: { y: '2' } }, { labels: { x: '1', y: '2' } }],
  [
    'a list without strategy is replaced',
    { atomic: ['a', 'b'] },
    { atomic: ['c'] },
    { atomic: ['c'] },
  ],
  [
    'a list of objects without strategy is replaced',
    { atomicObjects: [a] },
    { atomicObjects: [b] },
    { atomicObjects: [b] },
  ],
  ['a set is united', { set: ['a', 'b'] }, { set: ['b', 'c'] }, { set: ['a', 'b', 'c'] }],
  [
    'values are taken out of a set',
    { set: ['a', 'b', 'c'] },
    { '$deleteFromPrimitiveList/set': ['b'] },
    { set: ['a', 'c'] },
  ],
  [
    'values are taken out and added at once',
    { set: ['a', 'b'] },
    { '$deleteFromPrimitiveList/set': ['a'], set: ['c'], '$setElementOrder/set': ['b', 'c'] },
    { set: ['b', 'c'] },
  ],
  ['values taken out of nothing make nothing', {}, { '$deleteFromPrimitiveList/set': ['a'] }, {}],
  [
    'an item is merged by its key',
    { containers: [a, b] },
    { containers: [{ name: 'b', image: 'b:2' }] },
    { containers: [a, { name: 'b', image: 'b:2' }] },
  ],
  [
    'a new item comes first without an order',
    { containers: [a, b] },
    { containers: [c] },
    { containers: [c, a, b] },
  ],
  [
    'the order of the patch is the order of the list',
    { containers: [a, b] },
    {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
      containers: [c],
    },
    { containers: [b, c, a] },
  ],
  [
    'items the order does not know keep their place',
    { containers: [a, b, c] },
    { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] },
    { containers: [b, c, a] },
  ],
  [
    'an order alone of an absent list makes none',
    {},
    { '$setElementOrder/containers': [{ name: 'a' }] },
    {},
  ],
  [
    'an item is deleted',
    { containers: [a, b] },
    { containers: [{ name: 'a', $patch: 'delete' }] },
    { containers: [b] },
  ],
  [
    'an item is deleted while another is changed, in order',
    { containers: [a, b] },
    {
      '$setElementOrder/containers': [{ name: 'b' }],
      containers: [
        { name: 'b', image: 'b:2' },
        { name: 'a', $patch: 'delete' },
      ],
    },
    { containers: [{ name: 'b', image: 'b:2' }] },
  ],
  [
    'an item is replaced as a whole',
    { containers: [{ ...a, args: ['x'] }] },
    { containers: [{ $patch: 'replace' }, { name: 'a', image: 'a:2' }] },
    { containers: [{ name: 'a', image: 'a:2' }] },
  ],
  [
    'a list is emptied',
    { containers: [a] },
    { containers: [{ $patch: 'replace' }] },
    { containers: [] },
  ],
  [
    'an object is replaced',
    { nested: { a: '1' } },
    { nested: { $patch: 'replace', b: '2' } },
    { nested: { b: '2' } },
  ],
  [
    'an object is emptied',
    { nested: { a: '1' } },
    { nested: { $patch: 'delete' } },
    { nested: {} },
  ],
  [
    'merge is what happens anyway',
    { nested: { a: '1' } },
    { nested: { $patch: 'merge', b: '2' } },
    { nested: { a: '1', b: '2' } },
  ],
  [
    'only retained keys stay',
    { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
    { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    { strategy: { type: 'Recreate' } },
  ],
  [
    'only retained keys of an item stay',
    { volumes: [{ name: 'v', emptyDir: {} }] },
    { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] },
    { volumes: [{ name: 'v', hostPath: { path: '/x' } }] },
  ],
  [
    'a new object takes no directives along',
    {},
    {
      strategy: { $retainKeys: ['type'], type: 'Recreate' },
      containers: [{ name: 'a', $patch: 'delete' }, b],
    },
    { strategy: { type: 'Recreate' }, containers: [b] },
  ],
  [
    'lists in items merge by their own key',
    { containers: [{ ...a, ports: [{ containerPort: 80 }] }] },
    {
      containers: [
        { name: 'a', ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81 }] },
      ],
    },
    { containers: [{ ...a, ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81 }] }] },
  ],
  [
    'a field with the replace strategy is replaced',
    { whole: { a: '1' } },
    { whole: { b: '2' } },
    { whole: { b: '2' } },
  ],
  ['another type replaces', { nested: { a: '1' } }, { nested: ['x'] }, { nested: ['x'] }],
  [
    'unknown fields are merged',
    { other: { x: 1 } },
    { other: { y: [1] } },
    { other: { x: 1, y: [1] } },
  ],
];

t.test('a strategic patch follows strategies and directives and changes no argument', async (t) => {
  for (const [name, doc, patch, result] of CASES) {
    const before = JSON.stringify([doc, patch]);
    t.strictSame(applyStrategicPatch(doc, patch, schema), result, name);
    t.equal(JSON.stringify([doc, patch]), before, `${name}: arguments as before`);
  }
});

t.test('a directive that is wrong or out of place is refused', async (t) => {
  const cases: [JsonObject, RegExp][] = [
    [{ nested: { $patch: 'explode' } }, /unknown patch type: "explode"/],
    [{ containers: [{ image: 'x' }] }, /does not contain declared merge key: name/],
    [{ containers: [{ $patch: 'delete' }] }, /does not contain declared merge key: name/],
    [{ containers: [{ name: 'a', $patch: 'merge' }] }, /merging lists cannot yet be specified/],
    [{ strategy: { $retainKeys: ['type'], rollingUpdate: {} } }, /retainKeys/],
    [{ strategy: { $retainKeys: 'type' } }, /retainKeys/],
    [{ '$deleteFromPrimitiveList/set': 'a' }, /primitive list/],
    [{ '$setElementOrder/containers': {} }, /setElementOrder/],
    [{ '$setElementOrder/containers': [{ name: 'b' }], containers: [a] }, /doesn't match/],
    [{ '$setElementOrder/set': ['b', 'a'], set: ['a', 'b'] }, /doesn't match/],
  ];
  const doc = { containers: [a, b], strategy: { type: 'x' }, nested: { a: '1' }, set: ['a'] };
  for (const [patch, message] of cases) {
    t.throws(() => applyStrategicPatch(doc, patch, schema), { name: 'MalformedPatch', message });
  }
});
