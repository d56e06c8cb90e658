import t from 'tap';
import { applyJsonPatch } from '#api/patch/json-patch.ts';
import { applyMergePatch } from '#api/patch/merge-patch.ts';

type Case = [name: string, doc: unknown, patch: unknown, result: unknown];

// The examples of RFC 6902 appendix A, and what they leave open.
const CASES: Case[] = [
  [
    'add a member',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz', value: 'qux' }],
    { baz: 'qux', foo: 'bar' },
  ],
  [
    'add to a list',
    { foo: ['a', 'c'] },
    [{ op: 'add', path: '/foo/1', value: 'b' }],
    { foo: ['a', 'b', 'c'] },
  ],
  [
    'add at the end',
    { foo: ['a'] },
    [{ op: 'add', path: '/foo/-', value: ['b'] }],
    { foo: ['a', ['b']] },
  ],
  [
    'count from the end',
    { foo: [1, 2, 3] },
    [
      { op: 'test', path: '/foo/-3', value: 1 },
      { op: 'replace', path: '/foo/-1', value: 4 },
      { op: 'remove', path: '/foo/-2' },
      { op: 'add', path: '/foo/-1', value: 5 },
    ],
    { foo: [1, 4, 5] },
  ],
  ['remove a member', { baz: 1, foo: 2 }, [{ op: 'remove', path: '/baz' }], { foo: 2 }],
  ['remove from a list', { foo: [1, 2, 3] }, [{ op: 'remove', path: '/foo/1' }], { foo: [1, 3] }],
  ['replace', { a: 1 }, [{ op: 'replace', path: '/a', value: null }], { a: null }],
  ['replace what is missing', { a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ['replace the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  [
    'move a member',
    { foo: { bar: 1, waldo: 2 }, qux: {} },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 1 }, qux: { thud: 2 } },
  ],
  [
    'move in a list',
    { foo: [1, 2, 3, 4] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: [1, 3, 4, 2] },
  ],
  ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  [
    'test that holds',
    { a: { b: [1] } },
    [{ op: 'test', path: '/a', value: { b: [1] } }],
    { a: { b: [1] } },
  ],
  ['test of absence', {}, [{ op: 'test', path: '/a', value: null }], {}],
  [
    'escaped names',
    { '/': 9, '~1': 10 },
    [{ op: 'test', path: '/~01', value: 10 }],
    { '/': 9, '~1': 10 },
  ],
  ['unknown members', { a: 1 }, [{ op: 'add', path: '/b', value: 2, xyz: 3 }], { a: 1, b: 2 }],
  [
    'several',
    { a: 1 },
    [
      { op: 'remove', path: '/a' },
      { op: 'add', path: '/a', value: 2 },
    ],
    { a: 2 },
  ],
];

t.test('a JSON patch does what RFC 6902 says and changes no argument', async (t) => {
  for (const [name, doc, patch, result] of CASES) {
    const [docBefore, patchBefore] = [JSON.stringify(doc), JSON.stringify(patch)];
    t.same(applyJsonPatch(doc, patch), result, name);
    t.equal(JSON.stringify(doc), docBefore, `${name}: document as before`);
    t.equal(JSON.stringify(patch), patchBefore, `${name}: patch as before`);
  }
});

t.test('an operation that does not fit makes the patch inapplicable', async (t) => {
  const cases: [unknown, unknown][] = [
    [{ a: 1 }, [{ op: 'test', path: '/a', value: 2 }]],
    [{ a: 1 }, [{ op: 'test', path: '/b', value: 2 }]],
    [{ a: 1 }, [{ op: 'remove', path: '/b' }]],
    [{ a: 1 }, [{ op: 'replace', path: '/b/c', value: 1 }]],
    [{ a: 1 }, [{ op: 'replace', path: '/a/b', value: 1 }]],
    [{ a: [1] }, [{ op: 'replace', path: '/a/1', value: 1 }]],
    [{ a: 1 }, [{ op: 'add', path: '/b/c', value: 1 }]],
    [{ a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }]],
    [{ a: [1] }, [{ op: 'add', path: '/a/01', value: 1 }]],
    [{ a: [1] }, [{ op: 'remove', path: '/a/-' }]],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a', path: '/a/b' }]],
    [{ a: 1 }, [{ op: 'copy', from: '/b', path: '/c' }]],
    [{}, [{ op: 'remove', path: '/constructor' }]],
  ];
  for (const [doc, patch] of cases) {
    t.throws(
      () => applyJsonPatch(doc, patch),
      { name: 'InapplicablePatch' },
      JSON.stringify(patch),
    );
  }
});

t.test('what is no JSON patch is malformed', async (t) => {
  const cases: unknown[] = [
    {},
    'x',
    [1],
    [{ op: 'spread', path: '/a' }],
    [{ op: 'add', path: 'a', value: 1 }],
    [{ op: 'add', path: '/a' }],
    [{ op: 'add', value: 1 }],
    [{ op: 'move', path: '/a' }],
  ];
  for (const patch of cases) t.throws(() => applyJsonPatch({}, patch), { name: 'MalformedPatch' });
});

t.test('a patch can neither be endless nor fill the memory with copies', async (t) => {
  const add = { op: 'add', path: '/a', value: 1 };
  const many = Array.from({ length: 10_001 }, () => add);
  t.throws(() => applyJsonPatch({}, many), { name: 'OversizedPatch' });
  const doubling = Array.from({ length: 40 }, () => ({
    op: 'copy',
    from: '/list',
    path: '/list/-',
  }));
  t.throws(() => applyJsonPatch({ list: ['x'] }, doubling), {
    name: 'InapplicablePatch',
    message: /exceeding the limit 3145728/,
  });
});

t.test('a name like __proto__ is a field like any other', async (t) => {
  const patch = [{ op: 'add', path: '/__proto__', value: { polluted: true } }];
  const result = applyJsonPatch({}, patch) as object;
  t.ok(Object.hasOwn(result, '__proto__'));
  t.equal(({} as Record<string, unknown>)['polluted'], undefined);
  const merged = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
  t.ok(Object.hasOwn(merged, '__proto__'));
  t.equal((merged as Record<string, unknown>)['polluted'], undefined);
});

t.test('a merge patch does what RFC 7386 says and changes no argument', async (t) => {
  // Appendix A of the RFC.
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [doc, patch, result] of cases) {
    const before = JSON.stringify([doc, patch]);
    t.same(applyMergePatch(doc, patch), result, JSON.stringify(patch));
    t.equal(JSON.stringify([doc, patch]), before);
  }
});
