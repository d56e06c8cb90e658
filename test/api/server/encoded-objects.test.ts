import { mock } from 'node:test';
import t from 'tap';
import { EncodedObjects } from '#api/server/encoded-objects.ts';
import { Entry } from '#api/storage/entry.ts';

const entry = (name: string) => {
  const value = Buffer.from(`{"kind":"K","apiVersion":"v1","metadata":{"name":"${name}"}}`);
  return Entry.from({ key: `/k/${name}`, value, revision: 1 });
};
const form = {};

/** Counts what is made: 10 bytes each. */
function counting(objects: EncodedObjects) {
  const counted = { made: 0, of: (one: Entry, as: object = form) => objects.of(one, as, make) };
  const make = () => {
    counted.made += 1;
    return Buffer.alloc(10);
  };
  return counted;
}

t.test('what was made is held, in one form', async (t) => {
  const objects = counting(new EncodedObjects());
  const one = entry('a');
  t.equal(objects.of(one), objects.of(one));
  t.equal(objects.made, 1);
  objects.of(one, {});
  objects.of(one);
  t.equal(objects.made, 3);
});

t.test('it is bounded: what nobody asks for any more goes first', async (t) => {
  const objects = counting(new EncodedObjects(30));
  const entries = ['a', 'b', 'c', 'd', 'e'].map(entry);
  const [a, b, c, d, e] = entries as [Entry, Entry, Entry, Entry, Entry];
  for (const one of [a, b, c, d]) objects.of(one);
  for (const one of [a, b]) objects.of(one);
  t.equal(objects.made, 4, 'a and b came over from the older generation');
  objects.of(e);
  objects.of(a);
  t.equal(objects.made, 5);
  objects.of(c);
  t.equal(objects.made, 6, 'c was forgotten');
});

t.test('after a minute or two without anybody who asks all is forgotten', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const held = new EncodedObjects();
  const objects = counting(held);
  const one = entry('a');
  held.used();
  objects.of(one);
  mock.timers.tick(60_000);
  held.used();
  mock.timers.tick(60_000);
  objects.of(one);
  t.equal(objects.made, 1);
  mock.timers.tick(60_000);
  objects.of(one);
  t.equal(objects.made, 2);
});
