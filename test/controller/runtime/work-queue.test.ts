import t from 'tap';
import { WorkQueue } from '#controller/runtime/work-queue.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';

/** Takes without waiting: what the queue gives now. */
async function taken(queue: WorkQueue<string>, count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let i = 0; i < count; i += 1) void queue.take().then((key) => key && keys.push(key));
  await flush();
  return keys;
}

t.test('keys are taken in the order in which they were added', async (t) => {
  const queue = new WorkQueue<string>();
  for (const key of ['b', 'a', 'c']) queue.add(key);
  t.strictSame(await taken(queue, 3), ['b', 'a', 'c']);
});

t.test('a key added many times is taken once', async (t) => {
  const queue = new WorkQueue<string>();
  for (let i = 0; i < 100; i += 1) queue.add('a');
  t.strictSame(await taken(queue, 5), ['a']);
});

t.test('a key is never taken twice before it is done', async (t) => {
  const queue = new WorkQueue<string>();
  queue.add('a');
  t.strictSame(await taken(queue, 1), ['a']);
  queue.add('a');
  t.strictSame(await taken(queue, 1), []);
});

t.test('what is added during a run is taken when the run is done', async (t) => {
  const queue = new WorkQueue<string>();
  queue.add('a');
  await taken(queue, 1);
  queue.add('a');
  queue.add('a');
  queue.done('a');
  t.strictSame(await taken(queue, 2), ['a']);
});

t.test('one who waits gets the key that comes', async (t) => {
  const queue = new WorkQueue<string>();
  const waiting = queue.take();
  queue.add('a');
  t.equal(await waiting, 'a');
});

t.test('a delayed key is taken at its time and not before', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string>(clock);
  queue.addAfter('a', 1_000);
  const keys: (string | undefined)[] = [];
  void queue.take().then((key) => keys.push(key));
  await clock.advance(999);
  t.strictSame(keys, []);
  await clock.advance(1);
  t.strictSame(keys, ['a']);
});

t.test('of several delays the earliest holds', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string>(clock);
  queue.addAfter('a', 1_000);
  queue.addAfter('a', 10);
  queue.addAfter('a', 500);
  t.equal(queue.waiting, 1);
  await clock.advance(10);
  t.strictSame(await taken(queue, 1), ['a']);
  t.equal(clock.pending, 0);
});

t.test('a key added during its delay is taken at once and only then', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string>(clock);
  queue.addAfter('a', 1_000);
  queue.add('a');
  t.strictSame(await taken(queue, 1), ['a']);
  queue.done('a');
  await clock.advance(2_000);
  t.strictSame(await taken(queue, 1), []);
});

t.test('a closed queue gives undefined to all who wait and all who come', async (t) => {
  const clock = new VirtualClock();
  const queue = new WorkQueue<string>(clock);
  const waiting = queue.take();
  queue.addAfter('b', 10);
  queue.close();
  queue.add('a');
  t.equal(await waiting, undefined);
  t.equal(await queue.take(), undefined);
  t.equal(clock.pending, 0);
});
