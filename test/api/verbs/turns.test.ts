import t from 'tap';
import { Turns } from '#api/verbs/turns.ts';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const store = {};

t.test('works of one key follow each other, those of others do not wait', async (t) => {
  const turns = new Turns();
  const log: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = turns.take(store, 'a', async () => {
    log.push('a1 begins');
    await held;
    log.push('a1 ends');
  });
  const second = turns.take(store, 'a', async () => log.push('a2'));
  await turns.take(store, 'b', async () => log.push('b'));
  await turns.take({}, 'a', async () => log.push('another store'));
  release();
  await Promise.all([first, second]);
  t.strictSame(log, ['a1 begins', 'b', 'another store', 'a1 ends', 'a2']);
});

t.test('what fails fails for itself, what hangs does not hold up the others', async (t) => {
  const turns = new Turns();
  await t.rejects(
    turns.take(store, 'a', () => Promise.reject(new Error('no'))),
    /no/,
  );
  t.equal(await turns.take(store, 'a', async () => 'next'), 'next');
  void turns.take(store, 'a', () => new Promise(() => undefined));
  t.equal(await turns.take(store, 'a', async () => 'later'), 'later');
});

t.test('of many who patch one object at once each one does', async (t) => {
  const server = await startTestServer();
  t.teardown(() => server.close());
  const maps = '/api/v1/namespaces/default/configmaps';
  await raw(server, 'POST', maps, { body: configMap('shared') });
  const headers = { 'content-type': 'application/merge-patch+json' };
  const writers = Array.from({ length: 60 }, (_, n) =>
    raw(server, 'PATCH', `${maps}/shared`, { headers, body: { data: { [`key-${n}`]: 'x' } } }),
  );
  const codes = (await Promise.all(writers)).map(({ status }) => status);
  t.strictSame(new Set(codes), new Set([200]));
  const { json } = await raw(server, 'GET', `${maps}/shared`);
  t.equal(Object.keys(json.data).length, 60);
});
