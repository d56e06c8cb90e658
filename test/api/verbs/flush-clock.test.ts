import { mock } from 'node:test';
import t from 'tap';
import { FlushClock } from '#api/verbs/flush-clock.ts';

t.test('who wrote waits for the time to be over, once; then a new one begins', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const clock = new FlushClock(() => 0);
  t.notOk(clock.isRunning(0), 'nothing is written: nobody waits');
  const tick = clock.begin();
  t.equal(clock.begin(), tick, 'the time that runs');
  t.ok(clock.isRunning(tick));
  let flushed = 0;
  const one = { flush: () => void flushed++ };
  clock.wait(one);
  clock.wait(one);
  mock.timers.tick(4);
  t.equal(flushed, 0);
  mock.timers.tick(1);
  t.equal(flushed, 1);
  t.notOk(clock.isRunning(tick));
  mock.timers.tick(100);
  t.equal(flushed, 1, 'nothing is flushed that does not wait');
});

t.test('a flush that writes begins the next time', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const clock = new FlushClock(() => 0);
  const first = clock.begin();
  let second = first;
  clock.wait({ flush: () => (second = clock.begin()) });
  mock.timers.tick(5);
  t.equal(second, first + 1);
  t.ok(clock.isRunning(second));
});

t.test('after a long round of writes there is as long a pause, but no endless one', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  for (const { tookMs, pauseMs } of [
    { tookMs: 30, pauseMs: 30 },
    { tookMs: 4000, pauseMs: 50 },
  ]) {
    let now = 0;
    const clock = new FlushClock(() => now);
    const tick = clock.begin();
    let flushed = 0;
    clock.wait({ flush: () => void flushed++ });
    now = tookMs;
    mock.timers.tick(5);
    t.equal(flushed, 0, 'events gather');
    t.ok(clock.isRunning(tick));
    mock.timers.tick(pauseMs - 1);
    t.equal(flushed, 0);
    mock.timers.tick(1);
    t.equal(flushed, 1);
  }
});
