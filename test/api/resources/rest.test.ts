/** Memory that a resting process gives back. */
import { mock } from 'node:test';
import t from 'tap';
import { giveBackAtRest } from '#api/resources/rest.ts';

t.test('the young generation is collected at rest, and not while there is work', (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  let busy = 0.5;
  const collected: unknown[] = [];
  const stop = giveBackAtRest({
    collect: (options) => collected.push(options),
    busyShare: () => busy,
  });
  mock.timers.tick(30_000);
  t.strictSame(collected, [], 'busy');
  busy = 0.01;
  mock.timers.tick(10_000);
  t.strictSame(collected, [{ type: 'minor' }]);
  stop();
  mock.timers.tick(60_000);
  t.equal(collected.length, 1, 'stopped');
  t.end();
});

t.test('freed memory is released at rest when the process has grown', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  let resident = 100 * 2 ** 20;
  let released = 0;
  const release = async () => {
    released += 1;
    resident -= 20 * 2 ** 20;
  };
  const stop = giveBackAtRest({
    collect: undefined,
    busyShare: () => 0,
    residentBytes: () => resident,
    release,
  });
  const rest = async () => {
    mock.timers.tick(10_000);
    await new Promise(setImmediate);
    return released;
  };
  t.equal(await rest(), 1, 'once after the start');
  t.equal(await rest(), 1, 'not again while nothing grows');
  resident += 9 * 2 ** 20;
  t.equal(await rest(), 2);
  stop();
});

t.test('without V8 lending its collector nothing happens', (t) => {
  t.doesNotThrow(giveBackAtRest({ collect: undefined, busyShare: () => 0 }));
  t.end();
});
