/** Clients that begin to send and do not end: they hold nothing for long. */
import { request } from 'node:https';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { Session } from '#api/client/session.ts';
import { readBody } from '#api/server/body.ts';
import { startTestServer } from '../../support/api-server.ts';
import { raw } from '../../support/raw-request.ts';

const bodyLimits = { quietMs: 150, wholeMs: 400 };
const server = await startTestServer(undefined, { bodyLimits });
t.teardown(() => server.close());
const path = '/api/v1/namespaces/default/configmaps';
const { ca, cert, key } = server.client().credentials;

/** Sends a byte every `everyMs`, over HTTP/1.1; resolves with the answer's code when the connection is closed. */
function trickle(everyMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let status: number | undefined;
    const headers = { 'content-type': 'application/json', 'content-length': 1000 };
    const sent = request(`${server.url}${path}`, {
      method: 'POST',
      ca,
      cert,
      key,
      headers,
      agent: false,
    });
    sent.on('response', (response) => {
      status = response.statusCode;
      response.resume();
    });
    sent.on('error', () => undefined);
    const timer = setInterval(() => sent.write(' '), everyMs);
    sent.write('{');
    sent.on('close', () => {
      clearInterval(timer);
      resolve(status);
    });
  });
}

t.test('one that falls silent, or takes too long, is told so and let go', async (t) => {
  const [silent, slow] = await Promise.all([trickle(60_000), trickle(50)]);
  t.equal(silent, 408);
  t.equal(slow, 408);
});

t.test('on HTTP/2 the others of the same connection do not notice', async (t) => {
  const session = new Session({ server: server.url, ca, cert, key } as never);
  t.teardown(() => session.close());
  const body = new PassThrough();
  body.write('{');
  const headers = { 'content-type': 'application/json' };
  const stalled = session.send('POST', path, { headers, body });
  const other = await session.exchange('GET', path, {});
  t.equal(other.status, 200);
  t.equal((await stalled).status, 408);
  t.equal((await session.exchange('GET', path, {})).status, 200, 'the connection goes on');
});

t.test('what comes in time is read whole, however many pieces it has', async (t) => {
  const body = new PassThrough();
  const read = readBody({ body, headers: {} }, { quietMs: 5000, wholeMs: 5000 });
  for (const piece of ['a', 'b', 'c']) {
    body.write(piece);
    await new Promise(setImmediate);
  }
  body.end();
  t.equal((await read).toString(), 'abc');
  const cut = new PassThrough();
  const failed = readBody({ body: cut, headers: {} });
  cut.write('a');
  cut.destroy();
  await t.rejects(failed, { code: 400 });
});

t.test('what clients make up fills no memory of ours: they are counted as others', async (t) => {
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      raw(server, 'GET', `/apis/made-up-${n}/v1/things-${n}/a/b-${n}`, { identity: '' }),
    ),
  );
  const { text } = await raw(server, 'GET', '/metrics');
  t.notMatch(text, /made-up|things-|b-\d/);
});
