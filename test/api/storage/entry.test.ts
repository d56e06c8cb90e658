import t from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import { Entry } from '#api/storage/entry.ts';
import { encodeStored } from '#api/storage/stored-object.ts';

const object = (fields: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', resourceVersion: '3' },
  ...fields,
});

const entryOf = (made: KubeObject): Entry =>
  Entry.from({ key: '/k/a', value: encodeStored(made), revision: 7 });

t.test('an entry that knows what it was made from gives the same as one that parses', async (t) => {
  const cases = [
    { data: { x: 'y' }, list: [1, [2], { z: null }] },
    { data: { x: undefined } },
    { list: [{ x: { y: undefined } }] },
    { data: JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}') },
  ];
  for (const fields of cases) {
    const source = object(fields); // held to the end of the round: the entry does not keep it
    const [known, parsed] = [entryOf(source), entryOf(object(fields))];
    known.madeFrom(source);
    t.strictSame(known.object(), parsed.object());
    t.strictSame(known.object().metadata, { name: 'a', resourceVersion: '7' });
    t.equal(
      'x' in ((known.object()['data'] ?? {}) as object),
      'x' in ((parsed.object()['data'] ?? {}) as object),
    );
    t.ok(Object.isFrozen(known.object()) && Object.isFrozen(known.object().metadata));
  }
});

t.test('it is frozen in depth, and what it was made from is taken, not copied', async (t) => {
  const data = { deep: [{ x: 1 }] };
  const made = object({ data });
  const entry = entryOf(made);
  entry.madeFrom(made);
  t.equal(entry.object()['data'], data);
  t.ok(Object.isFrozen(data) && Object.isFrozen(data.deep) && Object.isFrozen(data.deep[0]));
});
