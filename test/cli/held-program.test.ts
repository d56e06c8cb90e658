/** Programs that are started before their configuration is written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { holdNodeProgram } from '#cli/up/node-program.ts';

const place = (t: Test) => {
  const folder = t.testdir();
  return { config: join(folder, 'api.json'), log: join(folder, 'api.log') };
};

t.test('a held program reads its configuration when it is released', async (t) => {
  const { config, log } = place(t);
  const held = await holdNodeProgram('api/main.ts', config, log);
  writeFileSync(config, JSON.stringify({ port: 'many' }));
  held.release();
  t.equal(await held.exited, 1);
  t.match(readFileSync(log, 'utf8'), /api\.json.*port/);
});

t.test('a held program that is stopped never looks for its configuration', async (t) => {
  const { config, log } = place(t);
  const held = await holdNodeProgram('api/main.ts', config, log);
  await held.stop();
  t.equal(await held.exited, 128 + 15);
  t.equal(readFileSync(log, 'utf8'), '');
});
