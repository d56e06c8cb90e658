import t from 'tap';
import { compactTo, startCompactor } from '#api/storage/compactor.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';

const create = { expectedRevision: 0 };

t.test('a round forgets what was there before the last round, and nothing since', async (t) => {
  const storage = createMemoryStorage();
  await storage.put('/a', Buffer.from('1'), create);
  const first = await compactTo(storage, undefined);
  await storage.put('/b', Buffer.from('1'), create);
  const second = await compactTo(storage, first);
  await t.rejects(storage.range('/', { revision: first - 1 }), {
    name: 'Compacted',
    message: new RegExp(`held is ${first}$`),
  });
  t.equal((await storage.range('/', { revision: first })).items.length, 1);
  await compactTo(storage, second);
  await t.rejects(storage.range('/', { revision: first }), {
    name: 'Compacted',
    message: new RegExp(`held is ${second}$`),
  });
});

t.test('of two compactors on one store one has each round', async (t) => {
  const storage = createMemoryStorage();
  const [a, b] = await Promise.all([compactTo(storage, undefined), compactTo(storage, undefined)]);
  t.equal(a, b);
  await storage.put('/a', Buffer.from('1'), create);
  const [c, d] = await Promise.all([compactTo(storage, a), compactTo(storage, b)]);
  t.equal(c, d);
  t.ok(c > a);
});

t.test('a round that fails is told, and the next one is made', async (t) => {
  const storage = createMemoryStorage();
  await storage.close();
  const errors: unknown[] = [];
  const stop = startCompactor(storage, { intervalMs: 1, onError: (error) => errors.push(error) });
  while (errors.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  stop();
  t.match(errors[1], { name: 'Unavailable' });
});
