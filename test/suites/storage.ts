/** What any store must do; run for each implementation. */
import type { Test } from 'tap';
import { histories, watches } from './storage-history.ts';
import { create, type OpenStorage, revisionOf, text } from './storage-keys.ts';

/** Runs the contract of `Storage` on what `open` gives. */
export function storageSuite(t: Test, open: OpenStorage): void {
  writes(t, open);
  ranges(t, open);
  histories(t, open);
  watches(t, open);
}

function writes(t: Test, open: OpenStorage): void {
  t.test('a created key can be read, with the revision of its write', async (t) => {
    const storage = await open(t);
    const revision = revisionOf(await storage.put('/a', text('1'), create));
    t.same(await storage.get('/a'), { key: '/a', value: text('1'), revision });
    t.equal(await storage.get('/b'), undefined);
  });

  t.test('a create does not replace what is there, and tells it', async (t) => {
    const storage = await open(t);
    const revision = revisionOf(await storage.put('/a', text('1'), create));
    const current = { key: '/a', value: text('1'), revision };
    t.same(await storage.put('/a', text('2'), create), { written: false, current });
    t.same(await storage.get('/a'), current);
  });

  t.test('an update takes place only on the revision it expects', async (t) => {
    const storage = await open(t);
    const first = revisionOf(await storage.put('/a', text('1'), create));
    const second = revisionOf(await storage.put('/a', text('2'), { expectedRevision: first }));
    const current = { key: '/a', value: text('2'), revision: second };
    const late = await storage.put('/a', text('3'), { expectedRevision: first });
    t.same(late, { written: false, current });
  });

  t.test('an update of a key that is gone writes nothing', async (t) => {
    const storage = await open(t);
    const result = await storage.put('/a', text('1'), { expectedRevision: 1 });
    t.same(result, { written: false, current: undefined });
    t.equal(await storage.get('/a'), undefined);
  });

  t.test('a delete takes place only on the revision it expects', async (t) => {
    const storage = await open(t);
    const first = revisionOf(await storage.put('/a', text('1'), create));
    const second = revisionOf(await storage.put('/a', text('2'), { expectedRevision: first }));
    const current = { key: '/a', value: text('2'), revision: second };
    t.same(await storage.delete('/a', first), { written: false, current });
    t.equal(revisionOf(await storage.delete('/a', second)), second + 1);
    t.equal(await storage.get('/a'), undefined);
    t.same(await storage.delete('/a', second), { written: false, current: undefined });
  });

  t.test('each write makes the revision one greater, a lost one does not', async (t) => {
    const storage = await open(t);
    const first = revisionOf(await storage.put('/a', text('1'), create));
    await storage.put('/a', text('lost'), create);
    t.equal(revisionOf(await storage.put('/b', text('1'), create)), first + 1);
    t.equal(revisionOf(await storage.delete('/a', first)), first + 2);
  });

  t.test('of many writes on one revision exactly one takes place', async (t) => {
    const storage = await open(t);
    const attempts = Array.from({ length: 20 }, (_, n) => storage.put('/a', text(`${n}`), create));
    const results = await Promise.all(attempts);
    t.equal(results.filter((result) => result.written).length, 1);
    t.equal(new Set(results.map((result) => result.written || result.current?.revision)).size, 2);
  });

  t.test('a value that is too large is refused as TooLarge', async (t) => {
    const storage = await open(t);
    for (const size of [1.6e6, 3e6]) {
      await t.rejects(storage.put('/a', Buffer.alloc(size), create), { name: 'TooLarge' });
    }
    t.equal(await storage.get('/a'), undefined);
  });

  t.test('after close everything is Unavailable', async (t) => {
    const storage = await open(t);
    await storage.close();
    await t.rejects(storage.get('/a'), { name: 'Unavailable' });
    await t.rejects(storage.put('/a', text('1'), create), { name: 'Unavailable' });
    await t.rejects(storage.ping(), { name: 'Unavailable' });
  });
}

function ranges(t: Test, open: OpenStorage): void {
  t.test('a range holds the keys of its prefix, in byte order', async (t) => {
    const storage = await open(t);
    const keys = ['/p/b', '/p/a', '/p', '/p0', '/o/z', '/p/\u{1f6a2}', '/p/\uffee', '/p/a/x'];
    for (const key of keys) await storage.put(key, text(key), create);
    const { items, more } = await storage.range('/p/');
    const found = items.map(({ key, value }) => [key, value.toString()]);
    const expected = ['/p/a', '/p/a/x', '/p/b', '/p/\uffee', '/p/\u{1f6a2}'];
    t.same(
      found,
      expected.map((key) => [key, key]),
    );
    t.equal(more, false);
  });

  t.test('pages of a range fit together', async (t) => {
    const storage = await open(t);
    for (const key of ['/p/a', '/p/b', '/p/c']) await storage.put(key, text('1'), create);
    const first = await storage.range('/p/', { limit: 2 });
    t.same(
      first.items.map(({ key }) => key),
      ['/p/a', '/p/b'],
    );
    t.equal(first.more, true);
    const rest = await storage.range('/p/', { limit: 2, after: '/p/b' });
    t.same(
      rest.items.map(({ key }) => key),
      ['/p/c'],
    );
    t.equal(rest.more, false);
  });

  t.test('a range at a revision shows what was there then', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('1'), create));
    const b = revisionOf(await storage.put('/p/b', text('1'), create));
    await storage.put('/p/a', text('2'), { expectedRevision: a });
    await storage.delete('/p/b', b);
    const last = revisionOf(await storage.put('/p/c', text('1'), create));
    const then = await storage.range('/p/', { revision: b });
    t.same(
      then.items.map(({ key, value }) => `${key} ${value}`),
      ['/p/a 1', '/p/b 1'],
    );
    const now = await storage.range('/p/');
    t.same(
      now.items.map(({ key, value }) => `${key} ${value}`),
      ['/p/a 2', '/p/c 1'],
    );
    t.equal(now.revision, last);
  });

  t.test('a range at a revision that is still to come is refused', async (t) => {
    const storage = await open(t);
    await t.rejects(storage.range('/', { revision: 2 ** 40 }), { name: 'RangeError' });
  });
}
