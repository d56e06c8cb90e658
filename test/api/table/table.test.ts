import t from 'tap';
import { objectOr } from '#api/resources/json.ts';
import { BUILT_IN } from '#api/table/built-in.ts';
import { partialMetadata, tableOf } from '#api/table/table.ts';
import { kindOf, kinds, now, object } from './cases.ts';

t.test('every column of every built-in kind has a cell, even of an empty object', async (t) => {
  for (const kind of kinds.all()) {
    if (kind.virtual) continue;
    const { rows } = tableOf(kind, [object('', kind.kind, {})], { now });
    const blank = kind.columns.filter(
      (_, i) => rows[0]?.cells[i] === undefined || rows[0]?.cells[i] === null,
    );
    t.strictSame(
      blank.map(({ name }) => name),
      [],
      `${kind.group}/${kind.kind}`,
    );
  }
  const known = new Set(kinds.all().map((kind) => `${kind.group}/${kind.kind}`));
  t.strictSame(
    Object.keys(BUILT_IN).filter((name) => !known.has(name)),
    [],
  );
});

t.test('a table carries versions, and of each object as much as was asked for', async (t) => {
  const kind = kindOf('v1', 'ConfigMap');
  const one = object('v1', 'ConfigMap', { data: { a: '1' } });
  const table = tableOf(kind, [one], {
    now,
    resourceVersion: '7',
    continue: 'c',
    remainingItemCount: 3,
  });
  t.strictSame(table.metadata, { resourceVersion: '7', continue: 'c', remainingItemCount: 3 });
  t.equal(table.apiVersion, 'meta.k8s.io/v1');
  t.strictSame(table.rows[0]?.object, partialMetadata(one));
  t.strictSame(objectOr(table.rows[0]?.object)['kind'], 'PartialObjectMetadata');
  const whole = tableOf(kind, [one], { now, includeObject: 'Object' });
  t.equal(whole.rows[0]?.object, one);
  t.notOk('object' in (tableOf(kind, [one], { now, includeObject: 'None' }).rows[0] ?? {}));
  t.equal(tableOf(kind, [one], { now, withoutColumns: true }).columnDefinitions, null);
});
