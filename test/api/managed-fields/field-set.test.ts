import t from 'tap';
import {
  difference,
  type FieldSet,
  has,
  intersection,
  pathSet,
  pathTexts,
  readFieldSet,
  sorted,
  union,
} from '#api/managed-fields/field-set.ts';

const labels: FieldSet = { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {}, 'f:b': {} } } };
const onlyA: FieldSet = { 'f:metadata': { 'f:labels': { 'f:a': {} } } };
const labelsItself: FieldSet = { 'f:metadata': { 'f:labels': {} } };

const cases: {
  name: string;
  of: (a: FieldSet, b: FieldSet) => FieldSet;
  a: FieldSet;
  b: FieldSet;
  is: FieldSet;
}[] = [
  { name: 'union with nothing', of: union, a: labels, b: {}, is: labels },
  { name: 'union of nothing', of: union, a: {}, b: labels, is: labels },
  {
    name: 'union of a parent and its child',
    of: union,
    a: labelsItself,
    b: onlyA,
    is: {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    },
  },
  {
    name: 'union of a child and its parent',
    of: union,
    a: onlyA,
    b: labelsItself,
    is: {
      'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    },
  },
  {
    name: 'union of siblings is in order',
    of: union,
    a: { 'f:b': {} },
    b: { 'f:a': {} },
    is: {
      'f:a': {},
      'f:b': {},
    },
  },
  {
    name: 'difference takes a leaf out',
    of: difference,
    a: labels,
    b: onlyA,
    is: {
      'f:metadata': { 'f:labels': { '.': {}, 'f:b': {} } },
    },
  },
  {
    name: 'difference with a parent keeps its children',
    of: difference,
    a: labels,
    b: labelsItself,
    is: {
      'f:metadata': { 'f:labels': { 'f:a': {}, 'f:b': {} } },
    },
  },
  {
    name: 'difference with children keeps their parent',
    of: difference,
    a: labels,
    b: {
      'f:metadata': { 'f:labels': { 'f:a': {}, 'f:b': {} } },
    },
    is: labelsItself,
  },
  {
    name: 'difference with a path through a leaf keeps the leaf',
    of: difference,
    a: labelsItself,
    b: onlyA,
    is: labelsItself,
  },
  { name: 'difference with itself is empty', of: difference, a: labels, b: labels, is: {} },
  { name: 'difference of nothing', of: difference, a: {}, b: labels, is: {} },
  {
    name: 'intersection of a parent and its child is empty',
    of: intersection,
    a: onlyA,
    b: labelsItself,
    is: {},
  },
  { name: 'intersection keeps what is in both', of: intersection, a: labels, b: onlyA, is: onlyA },
  {
    name: 'intersection keeps a shared parent',
    of: intersection,
    a: labels,
    b: labelsItself,
    is: labelsItself,
  },
];

for (const { name, of, a, b, is } of cases) {
  t.test(name, async (t) => {
    const before = JSON.stringify([a, b]);
    t.equal(JSON.stringify(of(a, b)), JSON.stringify(is));
    t.equal(JSON.stringify([a, b]), before, 'the sets themselves stay as they are');
  });
}

t.test('what does not change is the same set', async (t) => {
  t.equal(union(labels, onlyA), labels);
  t.equal(difference(labels, { 'f:spec': {} }), labels);
});

t.test('elements are in the order in which Kubernetes writes them', async (t) => {
  const list: FieldSet = {
    'v:"b"': {},
    'k:{"name":"b"}': {},
    'v:10': {},
    'k:{"containerPort":443,"protocol":"TCP"}': {},
    'v:9': {},
    'f:z': {},
    'k:{"containerPort":80,"protocol":"UDP"}': {},
    'v:true': {},
    'k:{"containerPort":80,"protocol":"TCP"}': {},
    'f:a': {},
    'k:{"name":"a"}': {},
    '.': {},
  };
  t.strictSame(Object.keys(sorted({ 'f:x': list })['f:x'] ?? {}), [
    '.',
    'f:a',
    'f:z',
    'k:{"containerPort":80,"protocol":"TCP"}',
    'k:{"containerPort":80,"protocol":"UDP"}',
    'k:{"containerPort":443,"protocol":"TCP"}',
    'k:{"name":"a"}',
    'k:{"name":"b"}',
    'v:9',
    'v:10',
    'v:"b"',
    'v:true',
  ]);
});

t.test('paths read as people write them', async (t) => {
  const set: FieldSet = {
    'f:spec': {
      'f:containers': {
        'k:{"name":"web"}': {
          '.': {},
          'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': {} },
        },
      },
      'f:finalizers': { 'v:"example.com/a"': {} },
      'f:list': { 'i:3': {} },
    },
  };
  t.strictSame(pathTexts(set), [
    '.spec.containers[name="web"]',
    '.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"]',
    '.spec.finalizers[="example.com/a"]',
    '.spec.list[3]',
  ]);
  t.ok(has(set, ['f:spec', 'f:list', 'i:3']));
  t.notOk(has(set, ['f:spec', 'f:list']));
  t.notOk(has(set, []));
  t.strictSame(pathSet(['f:a', 'f:b']), { 'f:a': { 'f:b': {} } });
});

t.test('a set that was sent is brought into canonical form', async (t) => {
  const sent = {
    'f:b': { 'k:{"protocol":"TCP", "containerPort":80}': { 'f:x': {} }, 'v:"<a>"': {}, '.': {} },
    'f:a': { 'q:future': {}, 'k:nonsense': {} },
  };
  t.equal(
    JSON.stringify(readFieldSet(sent)),
    JSON.stringify({
      'f:a': {},
      'f:b': {
        '.': {},
        'k:{"containerPort":80,"protocol":"TCP"}': { 'f:x': {} },
        'v:"\\u003ca\\u003e"': {},
      },
    }),
  );
  for (const wrong of [null, [], 'x', { 'f:a': null }, { 'f:a': [] }, { 'f:a': 1 }]) {
    t.throws(() => readFieldSet(wrong), /made of objects/);
  }
});

t.test('no name of a field reaches a prototype', async (t) => {
  const sent = JSON.parse('{"f:__proto__":{"f:polluted":{}},"__proto__":{"f:polluted":{}}}');
  const set = union(readFieldSet(sent), { 'f:constructor': {} });
  t.strictSame(Object.keys(set), ['f:__proto__', 'f:constructor']);
  t.notOk('polluted' in {} || 'f:polluted' in {});
});
