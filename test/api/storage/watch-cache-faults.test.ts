/** The watch cache over a real etcd whose connections are cut, stalled and delayed, with its history compacted meanwhile. */
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import type { CacheEvent } from '#api/storage/cache-event.ts';
import { connectEtcd } from '#api/storage/etcd.ts';
import type { Storage, Stored } from '#api/storage/storage.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';
import { startTestEtcd } from '../../support/etcd.ts';
import { FaultyProxy } from '../../support/faulty-proxy.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const etcd = await startTestEtcd(t);
const socket = etcd.endpoint.slice('unix:'.length);
const prefix = '/registry/';
let parts = 0;

interface World {
  readonly proxy: FaultyProxy;
  /** Behind the proxy. */
  readonly storage: Storage;
  readonly direct: Storage;
  readonly cache: WatchCache;
  readonly seen: Seen;
}

async function open(t: Test): Promise<World> {
  const part = `/f${++parts}`;
  const proxy = await FaultyProxy.listen(t, join(dirname(socket), `faults-${parts}`), socket);
  const keepalive = { keepaliveMs: 50, keepaliveTimeoutMs: 100, requestTimeoutMs: 2000 };
  const storage = await connectEtcd({ endpoints: [proxy.endpoint], prefix: part, ...keepalive });
  const direct = await connectEtcd({ endpoints: [etcd.endpoint], prefix: part });
  const cache = await WatchCache.start(storage, { prefix });
  const seen = new Seen();
  const stop = cache.watch(prefix, cache.revision, (events) => seen.all(events));
  t.teardown(async () => {
    stop();
    cache.close();
    await Promise.all([storage.close(), direct.close()]);
  });
  return { proxy, storage, direct, cache, seen };
}

/** What a watcher knows, and where it was told what cannot be. */
class Seen {
  readonly state = new Map<string, number>();
  readonly told: number[] = [];
  readonly wrong: string[] = [];
  #last = 0;

  all(events: readonly CacheEvent[]): void {
    for (const event of events) this.#one(event);
  }

  #one({ type, key, revision, previous }: CacheEvent): void {
    const known = this.state.get(key);
    const what = `${type} ${key} ${revision} after ${previous?.revision}`;
    if (revision < this.#last) this.wrong.push(`${what}: older than ${this.#last}`);
    if (previous?.revision !== known) this.wrong.push(`${what}: the watcher knows of ${known}`);
    if ((type === 'ADDED') !== (known === undefined)) this.wrong.push(`${what}: no such change`);
    this.#last = revision;
    this.told.push(revision);
    if (type === 'DELETED') this.state.delete(key);
    else this.state.set(key, revision);
  }
}

const valueFor = (key: string, n: number) =>
  Buffer.from(`{"kind":"K","apiVersion":"v1","metadata":{"name":"${key}"},"n":${n}}`);

/** Puts and deletes some keys, one after the other; the revisions. */
async function write(
  store: Storage,
  state: Map<string, number>,
  count: number,
  random: () => number,
): Promise<number[]> {
  const revisions: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const key = `${prefix}k/${Math.floor(random() * 30)}`;
    const expectedRevision = state.get(key) ?? 0;
    const removes = expectedRevision > 0 && random() < 0.3;
    const result = removes
      ? await store.delete(key, expectedRevision)
      : await store.put(key, valueFor(key, n), { expectedRevision });
    if (!result.written) throw new Error(`${key} was changed by nobody, and not written`);
    if (removes) state.delete(key);
    else state.set(key, result.revision);
    revisions.push(result.revision);
  }
  return revisions;
}

async function agree(t: Test, { direct, cache, seen }: World): Promise<void> {
  const { items, revision } = await direct.range(prefix);
  const ours = items.map(({ key, revision }) => `${key}@${revision}`);
  await cache.waitFor(items.reduce((last, item) => Math.max(last, item.revision), 0));
  const { entries } = cache.list(prefix);
  t.same(
    entries.map(({ key, revision }) => `${key}@${revision}`),
    ours,
    `the cache is the store of revision ${revision}`,
  );
  t.same(
    [...seen.state].map(([key, revision]) => `${key}@${revision}`).sort(),
    ours.toSorted(),
    'and so is what the watcher was told',
  );
  t.same(seen.wrong, []);
}

t.test(
  'cut, stalled and delayed connections: no event is lost, doubled or out of order',
  async (t) => {
    const world = await open(t);
    const { proxy, direct, seen } = world;
    const { random, seed } = seededRandom();
    t.comment(`seed ${seed}`);
    proxy.delay(() => random() * 3);
    const state = new Map<string, number>();
    const revisions: number[] = [];
    for (let round = 0; round < 15; round += 1) {
      const fault = Math.floor(random() * 3);
      if (fault === 0) void proxy.cutAfter(Math.floor(random() * 4000));
      else if (fault === 1) proxy.stall();
      else proxy.cut();
      revisions.push(...(await write(direct, state, 40, random)));
    }
    await world.cache.waitFor(revisions.at(-1) ?? 0);
    t.same(seen.told, revisions, 'each change is told once, in order');
    await agree(t, world);
  },
);

t.test('history that is gone when the connection is back: the difference is told', async (t) => {
  const world = await open(t);
  const { proxy, direct, cache } = world;
  const { random, seed } = seededRandom();
  t.comment(`seed ${seed}`);
  const state = new Map<string, number>();
  for (let round = 0; round < 5; round += 1) {
    proxy.refuse();
    await write(direct, state, 60, random);
    const last = (await write(direct, state, 1, random)).at(-1) ?? 0;
    await direct.compact(last);
    proxy.heal();
    await write(direct, state, 20, random);
    await cache.waitFor(Math.max(...state.values()));
  }
  await agree(t, world);
  t.throws(() => cache.watch(prefix, 1, () => undefined), { name: 'Compacted' });
});

t.test('writes through broken connections are each made once, or told as unknown', async (t) => {
  const world = await open(t);
  const { proxy, storage, direct, seen } = world;
  const { random, seed } = seededRandom();
  t.comment(`seed ${seed}`);
  proxy.delay(() => random() * 2);
  const outcomes = new Map<string, 'written' | 'unknown'>();
  const breaking = setInterval(() => void proxy.cutAfter(Math.floor(random() * 6000)), 10);
  const writer = async (name: string) => {
    for (let n = 0; n < 25; n += 1) {
      const key = `${prefix}w/${name}-${n}`;
      try {
        const { written } = await storage.put(key, valueFor(key, n), { expectedRevision: 0 });
        if (!written) t.fail(`${key}: nobody else writes it`);
        outcomes.set(key, 'written');
      } catch {
        outcomes.set(key, 'unknown');
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, at) => writer(`w${at}`)));
  clearInterval(breaking);
  proxy.heal();
  // A write that nobody waits for any more may still be on its way.
  let items: readonly Stored[] = [];
  while (items.length === 0 || items.length !== seen.told.length) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    items = (await direct.range(prefix)).items;
  }
  const stored = new Set(items.map(({ key }) => key));
  const missing = [...outcomes].filter(([key, how]) => how === 'written' && !stored.has(key));
  t.same(missing, [], 'what is told as written is there');
  t.equal(seen.told.length, stored.size, 'each write is one event');
  await agree(t, world);
});
