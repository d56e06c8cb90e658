import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { Cache, type Change } from '#controller/runtime/cache.ts';
import { isLater } from '#controller/runtime/version.ts';

interface Thing extends ApiObject {
  colour?: string;
}

const thing = (name: string, resourceVersion: string, colour = 'red'): Thing => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, resourceVersion },
  colour,
});

function filled(...objects: Thing[]) {
  const cache = new Cache<Thing>();
  cache.apply({ type: 'replaced', objects, version: '10' });
  const changes: Change<Thing>[] = [];
  cache.changes.subscribe((change) => changes.push(change));
  return { cache, changes };
}

t.test('versions are ordered as numbers', async (t) => {
  t.ok(isLater('10', '9'));
  t.notOk(isLater('9', '10'));
  t.notOk(isLater('10', '10'));
  t.ok(isLater('1', ''));
  t.ok(isLater('12345678901234567891', '12345678901234567890'));
});

t.test('it is synced when the collection was listed, even if that was empty', async (t) => {
  const cache = new Cache<Thing>();
  t.equal(cache.isSynced, false);
  cache.apply({ type: 'replaced', objects: [], version: '1' });
  await cache.synced();
  t.equal(cache.isSynced, true);
});

t.test('changes tell what was and what is', async (t) => {
  const { cache, changes } = filled(thing('a', '1'));
  cache.apply({ type: 'applied', object: thing('a', '11', 'blue') });
  cache.apply({ type: 'applied', object: thing('b', '12') });
  cache.apply({ type: 'deleted', object: thing('a', '13') });
  const told = changes.map(({ key, before, after }) => [key, before?.colour, after?.colour]);
  t.strictSame(told, [
    ['a', 'red', 'blue'],
    ['b', undefined, 'red'],
    ['a', 'blue', undefined],
  ]);
  t.strictSame([...cache.keys()], ['b']);
});

t.test('a new list tells only of what differs', async (t) => {
  const { cache, changes } = filled(thing('a', '1'), thing('b', '2'), thing('c', '3'));
  const objects = [thing('a', '1'), thing('b', '15'), thing('d', '16')];
  cache.apply({ type: 'replaced', objects, version: '20' });
  t.strictSame(changes.map(({ key }) => key).sort(), ['b', 'c', 'd']);
  t.strictSame([...cache.keys()].sort(), ['a', 'b', 'd']);
});

t.test('the reply to a write is seen at once, and older events do not undo it', async (t) => {
  const { cache, changes } = filled(thing('a', '1'));
  cache.put(thing('a', '15', 'blue'));
  t.equal(cache.get('a')?.colour, 'blue');
  cache.apply({ type: 'applied', object: thing('a', '12', 'green') });
  t.equal(cache.get('a')?.colour, 'blue');
  cache.apply({ type: 'applied', object: thing('a', '15', 'blue') });
  t.equal(changes.length, 1, 'its own event is no second change');
});

t.test('a late reply does not bring back an object that was deleted', async (t) => {
  const { cache } = filled(thing('a', '1'));
  cache.apply({ type: 'deleted', object: thing('a', '17') });
  cache.put(thing('a', '15', 'blue'));
  t.equal(cache.get('a'), undefined);
});

t.test('a list older than a reply does not undo it', async (t) => {
  const { cache } = filled();
  cache.put(thing('new', '30'));
  cache.apply({ type: 'replaced', objects: [], version: '25' });
  t.ok(cache.get('new'));
  cache.apply({ type: 'replaced', objects: [], version: '31' });
  t.equal(cache.get('new'), undefined, 'a later list knows better');
});

t.test('an index follows every change', async (t) => {
  const { cache } = filled(thing('a', '1'), thing('b', '2', 'blue'));
  cache.addIndex('colour', ({ colour }) => (colour === undefined ? [] : [colour]));
  const names = (colour: string) => cache.byIndex('colour', colour).map((o) => o.metadata.name);
  t.strictSame(names('red'), ['a']);
  cache.apply({ type: 'applied', object: thing('a', '11', 'blue') });
  t.strictSame([names('red'), names('blue').sort()], [[], ['a', 'b']]);
  cache.apply({ type: 'deleted', object: thing('b', '12', 'blue') });
  t.strictSame(names('blue'), ['a']);
  t.throws(() => cache.byIndex('size', 'big'), /no such index/);
});

t.test('managed fields are not kept', async (t) => {
  const { cache } = filled();
  const object = thing('a', '11');
  object.metadata.managedFields = [{ manager: 'kubectl' }];
  cache.apply({ type: 'applied', object });
  t.notOk('managedFields' in (cache.get('a')?.metadata ?? {}));
});
