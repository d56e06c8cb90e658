import t from 'tap';
import type { OwnerReference } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { Graph, type Item } from '#controller/garbage/graph.ts';
import { type OwnerState, plan } from '#controller/garbage/plan.ts';

const owner = (uid: string, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'Thing',
  name: uid,
  uid,
  blockOwnerDeletion,
});

const item = (uid: string, more: Partial<Item> = {}): Item => ({
  uid,
  type: pods,
  namespace: 'default',
  name: uid,
  owners: [],
  deleting: false,
  finalizers: [],
  ...more,
});

const owned = item('x', { owners: [owner('a'), owner('b')] });
const waiting = { deleting: true, finalizers: ['foregroundDeletion'] };
const child = item('c', { owners: [owner('x')] });

const cases: [string, Item, Item[], Record<string, OwnerState>, object][] = [
  ['nobody owns it', item('x'), [], {}, { type: 'none' }],
  ['all owners stay', owned, [], {}, { type: 'none' }],
  ['one of two is gone', owned, [], { a: 'absent' }, { type: 'disown', uids: ['a'] }],
  ['one of two is going', owned, [], { b: 'waiting' }, { type: 'disown', uids: ['b'] }],
  [
    'all are gone',
    owned,
    [],
    { a: 'absent', b: 'absent' },
    { type: 'delete', policy: 'Background' },
  ],
  [
    'one is gone, one waits',
    owned,
    [],
    { a: 'absent', b: 'waiting' },
    { type: 'delete', policy: 'Background' },
  ],
  [
    'an owner waits and it has dependents of its own',
    item('x', { owners: [owner('a')] }),
    [child],
    { a: 'waiting' },
    { type: 'delete', policy: 'Foreground' },
  ],
  [
    'a circle waits for itself',
    item('x', { owners: [owner('a')] }),
    [item('c', { ...waiting, owners: [owner('x')] })],
    { a: 'waiting' },
    { type: 'unblock' },
  ],
  [
    'it is being deleted already',
    item('x', { deleting: true, owners: [owner('a')] }),
    [],
    { a: 'absent' },
    { type: 'none' },
  ],
  [
    'it waits for dependents',
    item('x', waiting),
    [child],
    {},
    { type: 'await', dependents: [child] },
  ],
  [
    'it waited and they are gone',
    item('x', waiting),
    [],
    {},
    { type: 'release', finalizer: 'foregroundDeletion' },
  ],
  [
    'it does not wait for those that do not block',
    item('x', waiting),
    [item('c', { owners: [owner('x', false)] })],
    {},
    { type: 'release' },
  ],
  [
    'its dependents are to stay',
    item('x', { deleting: true, finalizers: ['orphan'] }),
    [child],
    {},
    { type: 'orphan', dependents: [child] },
  ],
];

for (const [what, subject, dependents, states, expected] of cases) {
  t.test(`garbage: ${what}`, async (t) => {
    t.match(
      plan(subject, dependents, ({ uid }) => states[uid] ?? 'solid'),
      expected,
    );
  });
}

t.test('the graph keeps no more than the uid of what has no owner', async (t) => {
  const graph = new Graph();
  for (let i = 0; i < 100; i += 1) graph.apply(item(`free ${i}`));
  graph.apply(child);
  t.strictSame(graph.size, { present: 101, items: 1 });
});

t.test('an object whose owner is there needs no look, one whose owner is not does', async (t) => {
  const graph = new Graph();
  graph.apply(item('x'));
  t.strictSame(graph.apply(child), []);
  t.strictSame(graph.apply(item('d', { owners: [owner('gone')] })), ['d']);
  t.strictSame(graph.remove('x'), ['c']);
});

t.test('who waits is looked at when a dependent goes or lets go', async (t) => {
  const graph = new Graph();
  t.strictSame(graph.apply(item('x', waiting)), ['x']);
  graph.apply(child);
  graph.apply(item('d', { owners: [owner('x')] }));
  t.strictSame(graph.remove('c'), ['x']);
  t.ok(graph.apply(item('d')).includes('x'));
});
