/** What any store must do; run for each implementation. */
import type { Subscription } from 'rxjs';
import type { Test } from 'tap';
import type { Storage, StorageEvent, WriteResult } from '#api/storage/storage.ts';

/** A store without keys of others; closed when the test ends. */
export type OpenStorage = (t: Test) => Promise<Storage>;

const create = { expectedRevision: 0 };
const text = (value: string) => Buffer.from(value);

function revisionOf(result: WriteResult): number {
  if (!result.written) throw new Error('the write lost against another one');
  return result.revision;
}

/** Everything a watch tells, and a way to wait for so many changes. */
export class Recorder {
  readonly told: StorageEvent[] = [];
  error: unknown;
  readonly #subscription: Subscription;
  #changed = Promise.withResolvers<void>();

  constructor(t: Pick<Test, 'teardown'>, storage: Storage, prefix: string, from: number) {
    this.#subscription = storage.watch(prefix, from).subscribe({
      next: (events) => {
        this.told.push(...events);
        this.#changed.resolve();
      },
      error: (error) => {
        this.error = error;
        this.#changed.resolve();
      },
    });
    t.teardown(() => this.stop());
  }

  /** Resolves when `holds`; the test's own timeout is the deadline. */
  async until(holds: (recorder: this) => boolean): Promise<this> {
    while (!holds(this)) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
    return this;
  }

  /** The changes so far, in short: `put /a 3 x`, `delete /a 4`. */
  get changes(): string[] {
    return this.told
      .filter((event) => event.type !== 'progress')
      .map((event) => {
        const short = `${event.type} ${event.key} ${event.revision}`;
        if (event.type === 'delete') return short;
        return `${short} ${event.value.toString()}${event.created ? ' new' : ''}`;
      });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}

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

function histories(t: Test, open: OpenStorage): void {
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

function watches(t: Test, open: OpenStorage): void {
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
