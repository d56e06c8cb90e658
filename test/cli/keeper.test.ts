import t from 'tap';
import { Keeper, type Running } from '#cli/up/keeper.ts';

/** A part that the test ends by hand. */
function scripted() {
  const started: { end(code: number): void }[] = [];
  const waiting: (() => void)[] = [];
  const running: Running[] = [];
  const start = async (): Promise<Running> => {
    const exit = Promise.withResolvers<number>();
    started.push({ end: exit.resolve });
    waiting.shift()?.();
    const one = {
      pid: started.length,
      exited: exit.promise,
      stop: async () => exit.resolve(0),
    };
    running.push(one);
    return one;
  };
  const next = () => new Promise<void>((done) => waiting.push(done));
  return { start, started, running, next };
}

t.test('a part that ends is started again, each time after a longer pause', async (t) => {
  const part = scripted();
  const pauses: number[] = [];
  const keeper = new Keeper({
    name: 'part',
    start: part.start,
    onStart: () => {},
    onExit: (_name, _code, ms) => pauses.push(ms),
  });
  await keeper.start();
  for (let round = 0; round < 2; round += 1) {
    const again = part.next();
    part.started.at(-1)?.end(1);
    await again;
  }
  t.equal(part.started.length, 3);
  t.strictSame(pauses, [50, 100]);
  await keeper.stop();
});

t.test('a part that was stopped is not started again', async (t) => {
  const part = scripted();
  const exits: string[] = [];
  const keeper = new Keeper({
    name: 'part',
    start: part.start,
    onStart: () => {},
    onExit: (name) => exits.push(name),
  });
  await keeper.start();
  await keeper.stop();
  t.equal(part.started.length, 1);
  t.strictSame(exits, []);
});

t.test('stopping during the pause ends it at once', async (t) => {
  const part = scripted();
  const ended = Promise.withResolvers<void>();
  const keeper = new Keeper({
    name: 'part',
    start: part.start,
    onStart: () => {},
    onExit: () => ended.resolve(),
  });
  await keeper.start();
  part.started[0]?.end(7);
  await ended.promise;
  await keeper.stop();
  t.equal(part.started.length, 1);
});

t.test('a first start that fails is told, not repeated', async (t) => {
  const keeper = new Keeper({
    name: 'part',
    start: () => Promise.reject(new Error('no such program')),
    onStart: () => {},
    onExit: () => {},
  });
  await t.rejects(keeper.start(), { message: 'no such program' });
});

t.test('stopping while the first start is under way stops what it started', async (t) => {
  const part = scripted();
  const gate = Promise.withResolvers<void>();
  const keeper = new Keeper({
    name: 'part',
    start: async () => {
      await gate.promise;
      return part.start();
    },
    onStart: () => {},
    onExit: () => {},
  });
  const starting = keeper.start();
  const stopping = keeper.stop();
  gate.resolve();
  await Promise.all([starting, stopping]);
  t.equal(part.started.length, 1);
  t.equal(await part.running[0]?.exited, 0);
});
