import { constants, inflateRawSync } from 'node:zlib';
import t from 'tap';
import { BlockList } from '#api/storage/block-list.ts';
import { Entry } from '#api/storage/entry.ts';
import { packAll } from '#api/storage/packed.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** Parts end on a boundary, not with the last block of a stream. */
const finishFlush = constants.Z_SYNC_FLUSH;

const entry = (key: string, revision: number) => {
  const value = Buffer.from(`{"kind":"K","apiVersion":"v1","metadata":{"name":"${key}"}}`);
  return Entry.from({ key, value, revision });
};

const collect = (list: BlockList, from: string, to: string) =>
  [...list.entries(from, to)].map(({ key, revision }) => `${key}@${revision}`);

t.test('after any puts and removes it holds what a sorted map holds', async (t) => {
  const { random, seed } = seededRandom();
  t.comment(`seed ${seed}`);
  const list = new BlockList();
  const reference = new Map<string, Entry>();
  const randomKey = () => `/k/${Math.floor(random() * 2000).toString(36)}`;
  for (let step = 1; step <= 8000; step++) {
    const key = randomKey();
    // Grows to about a thousand entries, then shrinks to a few.
    if (random() < (step < 5000 ? 0.7 : 0.1)) {
      const added = entry(key, step);
      list.put(added);
      reference.set(key, added);
    } else {
      list.remove(key);
      reference.delete(key);
    }
    if (step % 400 !== 0) continue;
    const [from = '', to = ''] = [randomKey(), randomKey()].sort();
    const expected = [...reference.values()]
      .filter(({ key }) => key >= from && key < to)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    t.same(
      collect(list, from, to),
      expected.map(({ key, revision }) => `${key}@${revision}`),
    );
    t.strictSame(list.slice(from, to), [...list.entries(from, to)]);
    t.equal(list.slice(to, from).length, 0);
    t.equal(list.count(from, to), expected.length);
    const joined = Buffer.concat(list.joined(from, to).map(({ bytes }) => bytes)).toString();
    t.equal(joined, expected.map((each) => `${each.body()},`).join(''));
  }
});

t.test('a first fill in key order makes full blocks, and a list of them is cached', async (t) => {
  const list = new BlockList();
  for (let n = 0; n < 640; n++) list.put(entry(`/k/${1000 + n}`, n + 1));
  const first = list.joined('/k/', '/k0');
  t.equal(first.length, 10);
  const again = list.joined('/k/', '/k0');
  t.ok(first.every((part, at) => part === again[at]));
  list.put(entry('/k/1000', 1000));
  const changed = list.joined('/k/', '/k0').filter((part, at) => part !== first[at]);
  t.equal(changed.length, 1, 'a write touches one block');
});

t.test('an entry that was replaced does not keep its block alive', async (t) => {
  const list = new BlockList();
  const old = entry('/k/a', 1);
  for (const each of [old, entry('/k/b', 2), entry('/k/c', 3)]) list.put(each);
  list.joined('/k/', '/k0');
  const before = old.body().toString();
  list.put(entry('/k/a', 4));
  t.equal(old.body().buffer.byteLength, old.body().length);
  t.equal(old.body().toString(), before);
});

t.test('parts are compressed once, and anew after a write into them', async (t) => {
  const list = new BlockList();
  for (let n = 0; n < 128; n++) list.put(entry(`/k/${1000 + n}`, n + 1));
  const before = list.joined('/k/', '/k0');
  const packed = await packAll(before);
  t.same(
    packed.map(({ deflated }) => inflateRawSync(deflated, { finishFlush }).toString()),
    before.map(({ open }) => open.toString()),
  );
  list.put(entry('/k/1000', 1000));
  const after = await packAll(list.joined('/k/', '/k0'));
  t.not(after[0], packed[0]);
  t.equal(after[1], packed[1]);
});
