import t from 'tap';
import { validateUpdate } from '#api/admission/validate.ts';
import type { JsonObject } from '#api/resources/json.ts';
import { complaints, includes, kindOf, make } from './cases.ts';

t.test('metadata is judged alike for all kinds', async (t) => {
  const cases: [string, string, JsonObject, string | RegExp][] = [
    [
      'v1',
      'ConfigMap',
      { name: '' },
      'metadata.name: Required value: name or generateName is required',
    ],
    [
      'v1',
      'ConfigMap',
      { name: 'A' },
      /^metadata\.name: Invalid value: "A": a lowercase RFC 1123 subdomain/,
    ],
    [
      'v1',
      'Namespace',
      { name: 'a.b' },
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ],
    [
      'v1',
      'Node',
      { namespace: 'default' },
      'metadata.namespace: Forbidden: not allowed on this type',
    ],
    [
      'v1',
      'ConfigMap',
      { labels: { 'a b': 'c' } },
      /^metadata\.labels: Invalid value: "a b": name part must consist/,
    ],
    [
      'v1',
      'ConfigMap',
      { labels: { a: 'b c' } },
      /^metadata\.labels: Invalid value: "b c": a valid label must be/,
    ],
    [
      'v1',
      'ConfigMap',
      { annotations: { a: 'x'.repeat(262_144) } },
      'metadata.annotations: Too long: must have at most 262144 bytes',
    ],
    [
      'v1',
      'ConfigMap',
      { ownerReferences: [{ kind: 'A', name: 'a', uid: 'u' }] },
      'metadata.ownerReferences[0].apiVersion: Invalid value: "": must not be empty',
    ],
    ['v1', 'ConfigMap', { finalizers: ['orphan', 'foregroundDeletion'] }, /cannot be both set/],
  ];
  for (const [apiVersion, kind, meta, complaint] of cases) {
    const found = complaints(apiVersion, kind, {}, meta);
    t.ok(includes(found, complaint), String(complaint), { found });
  }
  t.strictSame(
    complaints('rbac.authorization.k8s.io/v1', 'ClusterRole', {}, { name: 'system:Node' }),
    [],
  );
});

t.test('once an object is being deleted, finalizers may only go', async (t) => {
  const kind = kindOf('v1', 'ConfigMap');
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  const old = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b', 'c/d'] });
  const fewer = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b'] });
  const more = make('v1', 'ConfigMap', {}, { deletionTimestamp, finalizers: ['a/b', 'e/f'] });
  t.strictSame(validateUpdate(kind, fewer, old), []);
  t.match(validateUpdate(kind, more, old), [
    {
      field: 'metadata.finalizers',
      reason: 'FieldValueForbidden',
      message: /found new finalizers \[\]string\{"e\/f"\}/,
    },
  ]);
});
