/** What any store must do about the past: histories, watches, compaction, keys that go away. */
import type { Test } from 'tap';
import { Recorder } from '../support/recorder.ts';
import { create, type OpenStorage, revisionOf, text } from './storage-keys.ts';

export function histories(t: Test, open: OpenStorage): void {
  t.test('what is compacted is gone, and only that', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('1'), create));
    const b = revisionOf(await storage.put('/p/b', text('1'), create));
    const c = revisionOf(await storage.put('/p/a', text('2'), { expectedRevision: a }));
    await storage.compact(b);
    const gone = { name: 'Compacted', compactRevision: b };
    await t.rejects(storage.range('/p/', { revision: a }), gone);
    const then = await storage.range('/p/', { revision: b });
    t.same(
      then.items.map(({ key, value }) => `${key} ${value}`),
      ['/p/a 1', '/p/b 1'],
    );
    t.equal((await storage.get('/p/a'))?.revision, c);
    t.match(
      (await new Recorder(t, storage, '/p/', a).until(({ error }) => error !== undefined)).error,
      gone,
    );
    const late = await new Recorder(t, storage, '/p/', c).until(({ told }) => told.length > 0);
    t.same(late.changes, [`put /p/a ${c} 2`]);
  });

  t.test('what is compacted already is not compacted again', async (t) => {
    const storage = await open(t);
    await storage.put('/a', text('1'), create);
    const b = revisionOf(await storage.put('/b', text('1'), create));
    await storage.compact(b);
    await t.rejects(storage.compact(b), { name: 'Compacted', compactRevision: b });
  });

  t.test('a key with a time to live goes away by itself', async (t) => {
    const storage = await open(t);
    const options = { ...create, ttlSeconds: 1 };
    const a = revisionOf(await storage.put('/p/a', text('1'), options));
    const recorder = new Recorder(t, storage, '/p/', a);
    await recorder.until(({ told }) => told.length === 2);
    t.same(recorder.changes, [`put /p/a ${a} 1 new`, `delete /p/a ${a + 1}`]);
    t.equal(await storage.get('/p/a'), undefined);
  });

  t.test('a key written again without a time to live stays', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('1'), { ...create, ttlSeconds: 1 }));
    await storage.put('/p/b', text('1'), { ...create, ttlSeconds: 2 });
    await storage.put('/p/a', text('2'), { expectedRevision: a });
    const recorder = new Recorder(t, storage, '/p/b', a);
    await recorder.until(({ told }) => told.some(({ type }) => type === 'delete'));
    t.equal((await storage.get('/p/a'))?.value.toString(), '2');
  });
}

export function watches(t: Test, open: OpenStorage): void {
  t.test('a watch tells the past from its revision on, then the present, in order', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('0'), create));
    const first = revisionOf(await storage.put('/p/a', text('1'), { expectedRevision: a }));
    await storage.put('/q/x', text('elsewhere'), create);
    await storage.delete('/p/a', first);
    const recorder = new Recorder(t, storage, '/p/', first);
    await recorder.until(({ told }) => told.length === 2);
    await storage.put('/p/a', text('2'), create);
    await recorder.until(({ told }) => told.length === 3);
    t.same(recorder.changes, [
      `put /p/a ${first} 1`,
      `delete /p/a ${first + 2}`,
      `put /p/a ${first + 3} 2 new`,
    ]);
  });

  t.test(
    'many concurrent writes are told once each, in the order of their revisions',
    async (t) => {
      const storage = await open(t);
      const { revision } = await storage.range('/');
      const recorder = new Recorder(t, storage, '/p/', revision + 1);
      const keys = Array.from({ length: 300 }, (_, n) => `/p/${n}`);
      await Promise.all(keys.map((key) => storage.put(key, text('1'), create)));
      await recorder.until(({ told }) => told.length >= keys.length);
      const expected = keys.map((_, n) => revision + 1 + n);
      t.same(
        recorder.told.map((event) => event.revision),
        expected,
      );
    },
  );

  t.test('a watch from a revision that is still to come waits for it', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('1'), create));
    const recorder = new Recorder(t, storage, '/p/', a + 2);
    await storage.put('/p/b', text('1'), create);
    await storage.put('/p/c', text('1'), create);
    await recorder.until(({ told }) => told.length > 0);
    t.same(recorder.changes, [`put /p/c ${a + 2} 1 new`]);
  });

  t.test('a watch that ended tells nothing', async (t) => {
    const storage = await open(t);
    const { revision } = await storage.range('/');
    const stopped = new Recorder(t, storage, '/p/', revision + 1);
    const other = new Recorder(t, storage, '/p/', revision + 1);
    stopped.stop();
    await storage.put('/p/a', text('1'), create);
    await other.until(({ told }) => told.length === 1);
    t.same(stopped.told, []);
  });

  t.test('a watch asked for its progress tells the revision of writes elsewhere', async (t) => {
    const storage = await open(t);
    const a = revisionOf(await storage.put('/p/a', text('1'), create));
    const recorder = new Recorder(t, storage, '/p/', a);
    await recorder.until(({ told }) => told.length === 1);
    const revision = revisionOf(await storage.put('/q/x', text('1'), create));
    storage.requestProgress();
    await recorder.until(({ told }) => told.length === 2);
    t.same(recorder.told[1], { type: 'progress', revision });
  });
}
