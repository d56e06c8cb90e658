/** The fields of a new object: the same as a comparison with nothing finds, whatever came before. */
import t from 'tap';
import { compareMaps } from '#api/managed-fields/compare.ts';
import { createdFields } from '#api/managed-fields/created.ts';
import { sorted } from '#api/managed-fields/field-set.ts';
import { Unkeyable } from '#api/managed-fields/path-element.ts';
import type { Schema } from '#api/schema/schema.ts';
import { builtIn } from './world.ts';

const all = () => true;
const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);

/** What a comparison with nothing says. */
function compared(schema: Schema, object: object): unknown {
  const found = compareMaps(schema, undefined, object, all)?.changed;
  return found && sorted(found);
}

const { schema } = builtIn('', 'pods');
const created = (object: object) => createdFields(schema, object, all, all);

/** A small generator (mulberry32): the same numbers for the same seed. */
function numbers(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A pod of some of these parts, in some order. */
function somePod(next: (below: number) => number): object {
  const some = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const parts: [string, unknown][] = [
    ['name', some(['a', 'b'])],
    ['image', some(['x', ''])],
    ['env', some([[], null, [{ name: 'A', value: '' }], [{ name: 'A' }, { name: 'A' }]])],
    ['resources', some([{}, { limits: { cpu: '1' } }, { limits: {} }])],
    ['ports', some([[{ containerPort: 1, protocol: 'TCP' }], [{ containerPort: 1 }]])],
    ['command', some([[], ['sh']])],
    ['securityContext', some([{}, null, { capabilities: { add: ['X'] } }])],
  ];
  const container = () =>
    Object.fromEntries(
      parts.filter(([name]) => name === 'name' || next(2) === 0).sort(() => next(3) - 1),
    );
  const metadata = some<object>([
    {},
    { labels: { a: 'x', ['k:{"name":"a"}']: 'y' }, finalizers: ['f', 'k:{"name":"a"}'] },
    { labels: {}, annotations: null, ownerReferences: [{ uid: 'u', name: 'n' }] },
    { labels: { constructor: 'x' }, managedFields: [{ manager: 'm' }] },
  ]);
  const spec = {
    containers: Array.from({ length: next(3) }, container),
    ...some<object>([{}, { volumes: [{ name: 'v', emptyDir: {} }] }, { volumes: [] }]),
    ...some<object>([{}, { nodeSelector: { x: 'y' }, affinity: {} }, { tolerations: [{}] }]),
  };
  const status = some<object>([{}, { conditions: [{ type: 'Ready', status: 'True' }] }]);
  return some<object>([
    { metadata, spec },
    { spec, metadata, status },
    { status, metadata },
    { metadata },
  ]);
}

t.test('it is what a comparison with nothing finds, in the same order', async (t) => {
  const next = numbers(seed);
  const wrong: unknown[] = [];
  for (let round = 0; round < 5000 && wrong.length === 0; round += 1) {
    const pod = somePod(next);
    const [ours, theirs] = [JSON.stringify(created(pod)), JSON.stringify(compared(schema, pod))];
    if (ours !== theirs) wrong.push({ seed, pod, ours, theirs });
  }
  t.same(wrong, []);
});

t.test('objects of the same fields share one set', async (t) => {
  const pod = (name: string) => ({ metadata: { labels: { app: name } }, spec: { hostname: name } });
  const first = created(pod('a'));
  t.equal(created(pod('b')), first);
  t.not(created({ metadata: {}, spec: { hostname: 'a' } }), first);
});

t.test('what was made before is forgotten when it is too much', async (t) => {
  const before = created({ spec: { hostname: 'x' } });
  for (let n = 0; n < 9000; n += 1) created({ metadata: { labels: { [`l${n}`]: '' } } });
  const after = created({ spec: { hostname: 'x' } });
  t.not(after, before);
  t.same(after, before);
});

t.test('an item without its key cannot be owned', async (t) => {
  t.throws(() => created({ spec: { containers: [{ image: 'x' }] } }), Unkeyable);
  t.throws(() => created({ spec: { containers: [null] } }), Unkeyable);
});
