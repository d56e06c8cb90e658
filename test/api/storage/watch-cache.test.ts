import t, { type Test } from 'tap';
import type { KubeObject } from '#api/resources/meta.ts';
import type { CacheEvent } from '#api/storage/cache-event.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import type { Storage } from '#api/storage/storage.ts';
import { encodeStored } from '#api/storage/stored-object.ts';
import { WatchCache, type WatchCacheOptions } from '#api/storage/watch-cache.ts';

const prefix = '/registry/';
const podKey = (name: string, namespace = 'default') => `/registry/pods/${namespace}/${name}`;
const pod = (name: string, labels: Record<string, string> = {}) =>
  encodeStored({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { node: '' } });

async function write(storage: Storage, key: string, value: Buffer): Promise<number> {
  const current = await storage.get(key);
  const result = await storage.put(key, value, { expectedRevision: current?.revision ?? 0 });
  if (!result.written) throw new Error(`somebody else wrote ${key}`);
  return result.revision;
}

async function remove(storage: Storage, key: string): Promise<number> {
  const current = await storage.get(key);
  const result = await storage.delete(key, current?.revision ?? 0);
  if (!result.written) throw new Error(`somebody else wrote ${key}`);
  return result.revision;
}

async function start(t: Test, options: Partial<WatchCacheOptions> = {}) {
  const storage = createMemoryStorage();
  for (const name of ['b', 'a', 'c']) await write(storage, podKey(name), pod(name));
  const cache = await WatchCache.start(storage, { prefix, ...options });
  t.teardown(async () => {
    cache.close();
    await storage.close();
  });
  return { storage, cache };
}

const namesOf = (entries: readonly { readonly key: string }[]) =>
  entries.map(({ key }) => key.slice(key.lastIndexOf('/') + 1)).join(' ');
const told = (events: readonly CacheEvent[]) =>
  events.map(({ type, key, revision }) => `${type} ${key.split('/').at(-1)} ${revision}`);

t.test('the first fill holds everything, in key order', async (t) => {
  const { cache } = await start(t);
  t.equal(namesOf(cache.list('/registry/pods/').entries), 'a b c');
  t.equal(cache.revision, 4);
  t.same(cache.get(podKey('a'))?.object().metadata, {
    resourceVersion: '3',
    name: 'a',
    labels: {},
  });
});

t.test('after waitFor a write is seen', async (t) => {
  const { storage, cache } = await start(t);
  await cache.waitFor(await write(storage, podKey('d'), pod('d')));
  t.equal(cache.get(podKey('d'))?.revision, 5);
  await cache.waitFor(await remove(storage, podKey('d')));
  t.equal(cache.get(podKey('d')), undefined);
});

t.test('waitFor rejects with the reason of its signal', async (t) => {
  const { cache } = await start(t);
  const abort = new AbortController();
  const waiting = cache.waitFor(100, abort.signal);
  abort.abort(new Error('too long'));
  await t.rejects(waiting, { message: 'too long' });
});

t.test('waitFor resolves for a revision that a write outside of the prefix took', async (t) => {
  const { storage, cache } = await start(t);
  await cache.waitFor(await write(storage, 'compact_rev_key', Buffer.from('1')));
  t.equal(cache.revision, 5);
});

t.test(
  'watchers get what is under their prefix, once, in order, from their revision on',
  async (t) => {
    const { storage, cache } = await start(t);
    const seen = { all: [] as string[], pods: [] as string[], one: [] as string[] };
    cache.watch('/registry/', cache.revision, (events) => seen.all.push(...told(events)));
    await write(storage, podKey('a'), pod('a', { x: '1' }));
    await write(storage, '/registry/nodes/n', pod('n'));
    await cache.waitFor(await remove(storage, podKey('b')));
    cache.watch('/registry/pods/default/', 4, (events) => seen.pods.push(...told(events)));
    cache.watch(podKey('b'), 4, (events) => seen.one.push(...told(events)));
    await cache.waitFor(await write(storage, podKey('b'), pod('b')));
    t.same(seen.all, ['MODIFIED a 5', 'ADDED n 6', 'DELETED b 7', 'ADDED b 8']);
    t.same(seen.pods, ['MODIFIED a 5', 'DELETED b 7', 'ADDED b 8']);
    t.same(seen.one, ['DELETED b 7', 'ADDED b 8']);
  },
);

t.test('a watch from a revision that is still to come gets only what is after it', async (t) => {
  const { storage, cache } = await start(t);
  const seen: string[] = [];
  cache.watch(prefix, 5, (events) => seen.push(...told(events)));
  await write(storage, podKey('a'), pod('a'));
  await cache.waitFor(await write(storage, podKey('b'), pod('b')));
  t.same(seen, ['MODIFIED b 6']);
});

t.test('a stopped watch gets nothing more', async (t) => {
  const { storage, cache } = await start(t);
  const seen: string[] = [];
  const stop = cache.watch(prefix, cache.revision, (events) => seen.push(...told(events)));
  stop();
  await cache.waitFor(await write(storage, podKey('a'), pod('a')));
  t.same(seen, []);
});

t.test('a watch that starts while events are being told gets each of them once', async (t) => {
  const { storage, cache } = await start(t);
  const late: string[] = [];
  let started = false;
  cache.watch(prefix, cache.revision, () => {
    if (started) return;
    started = true;
    cache.watch(prefix, 4, (events) => late.push(...told(events)));
  });
  await write(storage, podKey('a'), pod('a'));
  await cache.waitFor(await write(storage, podKey('b'), pod('b')));
  t.same(late, ['MODIFIED a 5', 'MODIFIED b 6']);
});

t.test(
  'a frame is the line of the API, with the revision of the deletion when deleted',
  async (t) => {
    const { storage, cache } = await start(t);
    const frames: unknown[] = [];
    cache.watch(prefix, cache.revision, (events) => {
      for (const event of events) {
        t.equal(event.frame(), event.frame(), 'built once');
        t.ok(event.frame().toString().endsWith('}\n'));
        frames.push(JSON.parse(event.frame().toString()));
      }
    });
    await cache.waitFor(await remove(storage, podKey('a')));
    const metadata = { resourceVersion: '5', name: 'a', labels: {} };
    const object = { kind: 'Pod', apiVersion: 'v1', metadata, spec: { node: '' } };
    t.same(frames, [{ type: 'DELETED', object }]);
  },
);

t.test('pages: limit, after, more and remaining fit together', async (t) => {
  const { cache } = await start(t);
  const first = cache.list('/registry/pods/', { limit: 2 });
  t.match(
    { ...first, entries: namesOf(first.entries) },
    { entries: 'a b', more: true, remaining: 1 },
  );
  const rest = cache.list('/registry/pods/', { limit: 2, after: podKey('b') });
  t.match({ ...rest, entries: namesOf(rest.entries) }, { entries: 'c', more: false, remaining: 0 });
});

t.test('listAt shows the past as it was, page by page', async (t) => {
  const { storage, cache } = await start(t);
  await write(storage, podKey('aa'), pod('aa'));
  await write(storage, podKey('b'), pod('b', { changed: 'yes' }));
  await write(storage, podKey('b'), pod('b', { changed: 'again' }));
  await cache.waitFor(await remove(storage, podKey('c')));
  t.equal(namesOf(cache.list('/registry/pods/').entries), 'a aa b');
  const then = cache.listAt('/registry/pods/', 4);
  t.equal(namesOf(then.entries), 'a b c');
  t.equal(then.remaining, 0);
  t.same(then.entries[1]?.labels, {});
  const page = cache.listAt('/registry/pods/', 4, { after: podKey('a'), limit: 1 });
  t.match({ ...page, entries: namesOf(page.entries) }, { entries: 'b', more: true, remaining: 1 });
});

t.test('the history is bounded by bytes and age; what is older is Compacted', async (t) => {
  let now = 0;
  const history = { bytesMax: 4000, oldBytesMax: 0, ageMsMin: 1000 };
  const { storage, cache } = await start(t, { history, now: () => now });
  for (let n = 0; n < 20; n++) await write(storage, podKey('a'), pod('a'));
  await cache.waitFor(24);
  t.throws(() => cache.watch(prefix, 4, () => {}), { name: 'Compacted' });
  t.throws(() => cache.listAt(prefix, 5), { name: 'Compacted' });
  t.doesNotThrow(() => cache.listAt(prefix, 20));
  now = 5000;
  await cache.waitFor(await write(storage, podKey('a'), pod('a')));
  t.throws(() => cache.listAt(prefix, 23), { name: 'Compacted' });
  t.doesNotThrow(() => cache.listAt(prefix, 24));
});

t.test('a listener that throws keeps nobody else from the events', async (t) => {
  const { storage, cache } = await start(t);
  const faults: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => faults.push(error));
  const seen: string[] = [];
  cache.watch(prefix, cache.revision, () => {
    throw new Error('a fault');
  });
  cache.watch(prefix, cache.revision, (events) => seen.push(...told(events)));
  await cache.waitFor(await write(storage, podKey('a'), pod('a')));
  await new Promise((resolve) => setImmediate(resolve));
  process.removeAllListeners('uncaughtException');
  for (const listener of before) process.on('uncaughtException', listener);
  t.same(seen, ['MODIFIED a 5']);
  t.match(faults, [{ message: 'a fault' }]);
});

t.test('a value that is not an object is told of and left out', async (t) => {
  const unreadable: string[] = [];
  const { storage, cache } = await start(t, { onUnreadable: (key) => unreadable.push(key) });
  await cache.waitFor(await write(storage, podKey('x'), Buffer.from('k8s\0protobuf')));
  t.same(unreadable, [podKey('x')]);
  t.equal(cache.list('/registry/pods/').entries.length, 3);
});

t.test(
  'when the store has forgotten what comes next, the watchers are told the difference',
  async (t) => {
    const { storage, cache } = await start(t);
    const seen: string[] = [];
    cache.watch(prefix, cache.revision, (events) => seen.push(...told(events)));
    // All in one go: the cache's watch gets its turn only when the history is gone.
    void storage.put(podKey('a'), pod('a', { n: '1' }), { expectedRevision: 3 });
    void storage.delete(podKey('b'), 2);
    void storage.put(podKey('d'), pod('d'), { expectedRevision: 0 });
    void storage.put(podKey('a'), pod('a', { n: '2' }), { expectedRevision: 5 });
    void storage.compact(8);
    await cache.waitFor(8);
    t.same(seen, ['ADDED d 7', 'MODIFIED a 8', 'DELETED b 8']);
    t.equal(namesOf(cache.list('/registry/pods/').entries), 'a c d');
    t.throws(() => cache.watch(prefix, 7, () => {}), { name: 'Compacted' });
    await cache.waitFor(await write(storage, podKey('e'), pod('e')));
    t.equal(seen.at(-1), 'ADDED e 9');
  },
);

t.test('listBody is the JSON of all items with their versions', async (t) => {
  const { storage, cache } = await start(t);
  const items = () => {
    const { parts, count } = cache.listBody('/registry/pods/');
    const text = parts.map(({ bytes }) => bytes).join('');
    const parsed: KubeObject[] = JSON.parse(`[${text.slice(0, -1)}]`);
    t.equal(parsed.length, count);
    return parsed.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
  };
  t.same(items(), ['a 3', 'b 2', 'c 4']);
  await write(storage, podKey('b'), pod('b'));
  await cache.waitFor(await remove(storage, podKey('c')));
  t.same(items(), ['a 3', 'b 5']);
  t.same(cache.listBody('/registry/nodes/'), { parts: [], revision: 6, count: 0 });
});
