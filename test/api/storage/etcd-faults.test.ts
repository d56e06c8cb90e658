import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { connectEtcd, type EtcdOptions } from '#api/storage/etcd.ts';
import type { Storage, StorageEvent } from '#api/storage/storage.ts';
import { startTestEtcd } from '../../support/etcd.ts';
import { FaultyProxy } from '../../support/faulty-proxy.ts';
import { Recorder } from '../../support/recorder.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const etcd = await startTestEtcd(t);
const socket = etcd.endpoint.slice('unix:'.length);
let parts = 0;

/** A store behind a proxy, and the same store reached directly. */
async function open(t: Test, options: Partial<EtcdOptions> = {}) {
  const prefix = `/${++parts}`;
  const proxy = await FaultyProxy.listen(t, join(dirname(socket), `proxy-${parts}`), socket);
  const storage = await connectEtcd({ endpoints: [proxy.endpoint], prefix, ...options });
  const direct = await connectEtcd({ endpoints: [etcd.endpoint], prefix });
  t.teardown(() => Promise.all([storage.close(), direct.close()]));
  return { proxy, storage, direct };
}

const create = { expectedRevision: 0 };
const text = (value: string) => Buffer.from(value);

async function write(storage: Storage, key: string, value: string, expected = 0): Promise<number> {
  const result = await storage.put(key, text(value), { expectedRevision: expected });
  if (!result.written) throw new Error(`the write of ${key} lost against another one`);
  return result.revision;
}

/** Writes keys one after the other; the revisions. */
async function writeMany(storage: Storage, count: number, bytes = 10): Promise<number[]> {
  const value = 'x'.repeat(bytes);
  const keys = Array.from({ length: count }, (_, n) => `/p/${n}-${Math.random()}`);
  const revisions = await Promise.all(keys.map((key) => write(storage, key, value)));
  return revisions.sort((a, b) => a - b);
}

/** Asks until it is so; the test's own timeout is the deadline. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

const revisionsOf = (events: readonly StorageEvent[]) => events.map(({ revision }) => revision);

t.test(
  'a watch that is cut again and again while it catches up tells every event once',
  async (t) => {
    const { proxy, storage, direct } = await open(t);
    const { random, seed } = seededRandom();
    t.comment(`seed ${seed}`);
    const revisions = await writeMany(direct, 3000, 100);
    const recorder = new Recorder(t, storage, '/p/', revisions[0] ?? 0);
    for (const bytesMax of [60_000, 200_000, 200_000]) {
      await proxy.cutAfter(Math.floor(random() * bytesMax));
    }
    await recorder.until(({ told }) => told.length >= 3000);
    t.same(revisionsOf(recorder.told), revisions);
  },
);

t.test('a watch that is cut while events arrive tells every event once', async (t) => {
  const { proxy, storage, direct } = await open(t);
  const first = await write(direct, '/p/first', '1');
  const recorder = new Recorder(t, storage, '/p/', first);
  await recorder.until(({ told }) => told.length === 1);
  const revisions = [first];
  for (const responseBytes of [0, 1, 500, 2000, 5000]) {
    void proxy.cutAfter(responseBytes);
    revisions.push(...(await writeMany(direct, 100)));
  }
  proxy.cut();
  await recorder.until(({ told }) => told.length >= revisions.length);
  t.same(revisionsOf(recorder.told), revisions);
});

t.test('a watch whose connection says nothing any more is taken up again', async (t) => {
  const { proxy, storage, direct } = await open(t, { keepaliveMs: 50, keepaliveTimeoutMs: 100 });
  const first = await write(direct, '/p/a', '1');
  const recorder = new Recorder(t, storage, '/p/', first);
  await recorder.until(({ told }) => told.length === 1);
  proxy.stall();
  const second = await write(direct, '/p/a', '2', first);
  await recorder.until(({ told }) => told.length === 2);
  t.same(recorder.changes, [`put /p/a ${first} 1 new`, `put /p/a ${second} 2`]);
});

t.test('a create whose answer is lost is told as written, with its own revision', async (t) => {
  const { proxy, storage, direct } = await open(t);
  proxy.loseResponses();
  const writing = storage.put('/a', text('mine'), create);
  await until(async () => (await direct.get('/a'))?.value.toString() === 'mine');
  proxy.heal();
  const result = await writing;
  const stored = await direct.get('/a');
  t.same(result, { written: true, revision: stored?.revision });
  t.equal(await write(direct, '/b', ''), (stored?.revision ?? 0) + 1, 'written once');
});

t.test('an update whose answer is lost is told as written though others wrote since', async (t) => {
  const { proxy, storage, direct } = await open(t);
  const first = await write(direct, '/a', 'first');
  proxy.loseResponses();
  const writing = storage.put('/a', text('mine'), { expectedRevision: first });
  await until(async () => (await direct.get('/a'))?.value.toString() === 'mine');
  const third = await write(direct, '/a', 'theirs', (await direct.get('/a'))?.revision);
  proxy.heal();
  t.same(await writing, { written: true, revision: first + 1 });
  t.equal(third, first + 2, 'written once');
});

t.test('an update that lost, and whose answer is lost too, is told as lost', async (t) => {
  const { proxy, storage, direct } = await open(t);
  const first = await write(direct, '/a', 'first');
  const second = await write(direct, '/a', 'theirs', first);
  proxy.loseResponses();
  const writing = storage.put('/a', text('mine'), { expectedRevision: first });
  // More than the acknowledgements of HTTP/2: the answer itself.
  await until(async () => (await direct.get('/a')) !== undefined && proxy.lostBytes > 100);
  proxy.heal();
  const current = { key: '/a', value: text('theirs'), revision: second };
  t.same(await writing, { written: false, current });
});

t.test('a delete whose answer is lost is told as written, with its own revision', async (t) => {
  const { proxy, storage, direct } = await open(t);
  const first = await write(direct, '/a', 'first');
  proxy.loseResponses();
  const deleting = storage.delete('/a', first);
  await until(async () => (await direct.get('/a')) === undefined);
  await write(direct, '/b', 'other');
  await write(direct, '/a', 'again');
  proxy.heal();
  t.same(await deleting, { written: true, revision: first + 1 });
});

t.test('a write that never arrives is Unavailable, and is not made later', async (t) => {
  const { proxy, storage, direct } = await open(t, { requestTimeoutMs: 300 });
  const first = await write(direct, '/a', 'first');
  proxy.stall();
  const writing = storage.put('/a', text('mine'), { expectedRevision: first });
  await t.rejects(writing, { name: 'Unavailable' });
  t.equal((await storage.get('/a'))?.revision, first);
});

t.test('reads wait until the connection is back', async (t) => {
  const { proxy, storage, direct } = await open(t);
  const revision = await write(direct, '/a', '1');
  proxy.refuse();
  const reading = storage.get('/a');
  setTimeout(() => proxy.heal(), 100);
  t.equal((await reading)?.revision, revision);
});

t.test('the next endpoint is used when one does not answer', async (t) => {
  const { proxy } = await open(t);
  const endpoints = ['http://127.0.0.1:1', 'unix:/nowhere/at/all', proxy.endpoint, etcd.endpoint];
  const storage = await connectEtcd({ endpoints });
  t.teardown(() => storage.close());
  await storage.ping();
  t.equal(proxy.connections, 2);
  proxy.refuse();
  await storage.get('/a');
});

t.test(
  'counters that many count up through a cut connection count every success once',
  async (t) => {
    const { proxy, storage, direct } = await open(t);
    const { random, seed } = seededRandom();
    t.comment(`seed ${seed}`);
    const first = await write(direct, '/p/0', '0:start');
    const counted = new Set<string>();
    const unknown = new Set<string>();
    const count = async (name: string) => {
      for (let n = 0; n < 20; n++) {
        const current = await direct.get('/p/0');
        const mark = `${name}-${n}`;
        const options = { expectedRevision: current?.revision ?? 0 };
        const writing = storage.put('/p/0', text(mark), options);
        await writing.then(
          ({ written }) => written && counted.add(mark),
          () => unknown.add(mark),
        );
      }
    };
    const cutting = setInterval(() => void proxy.cutAfter(Math.floor(random() * 3000)), 5);
    await Promise.all(Array.from({ length: 8 }, (_, n) => count(`w${n}`)));
    clearInterval(cutting);
    const last = (await direct.get('/p/0'))?.revision ?? 0;
    const recorder = new Recorder(t, direct, '/p/0', first + 1);
    await recorder.until(({ told }) => told.at(-1)?.revision === last);
    const marks = recorder.told.map((event) =>
      event.type === 'put' ? event.value.toString() : '',
    );
    t.equal(new Set(marks).size, marks.length, 'no write was made twice');
    t.same(
      [...counted].filter((mark) => !marks.includes(mark)),
      [],
      'what was told as written is',
    );
    const untold = marks.filter((mark) => !counted.has(mark) && !unknown.has(mark));
    t.same(untold, [], 'what was told as lost is not written');
    t.ok(proxy.connections > 3, `${proxy.connections} connections, ${unknown.size} unknown`);
  },
);
