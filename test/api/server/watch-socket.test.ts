import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { WebSocket } from 'ws';
import { startTestServer } from '../../support/api-server.ts';
import { configMap } from '../../support/objects.ts';
import { raw } from '../../support/raw-request.ts';

const server = await startTestServer();
t.teardown(() => server.close());
const maps = '/api/v1/namespaces/default/configmaps';

interface Heard {
  readonly socket: WebSocket;
  readonly messages: { readonly bytes: Buffer; readonly binary: boolean }[];
  /** Resolves when so many messages are there. */
  until(count: number): Promise<void>;
  readonly closed: Promise<number>;
}

function watch(path: string, headers = {}, protocols: string[] = [], identity = 'admin'): Heard {
  const read = (name: string) => readFileSync(join(server.pki, name));
  const own =
    identity === '' ? {} : { cert: read(`${identity}.crt`), key: read(`${identity}.key`) };
  const url = `${server.url.replace('https', 'wss')}${path}`;
  const socket = new WebSocket(url, protocols, { ca: read('ca.crt'), ...own, headers });
  const messages: { bytes: Buffer; binary: boolean }[] = [];
  let wake: () => void = () => undefined;
  socket.on('message', (bytes: Buffer, binary) => {
    messages.push({ bytes, binary });
    wake();
  });
  const closed = new Promise<number>((resolve, reject) => {
    socket.once('close', resolve);
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.once('error', reject);
  });
  closed.catch(() => undefined);
  const until = async (count: number) => {
    while (messages.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { socket, messages, until, closed };
}

t.test('each event is a message of its own', async (t) => {
  await raw(server, 'POST', maps, { body: configMap('a') });
  await raw(server, 'POST', maps, { body: configMap('b') });
  const heard = watch(`${maps}?watch=true&timeoutSeconds=1`);
  await heard.until(2);
  await raw(server, 'DELETE', `${maps}/a`);
  await heard.until(3);
  const events = heard.messages.map(({ bytes }) => JSON.parse(bytes.toString()));
  t.strictSame(
    events.map(({ type, object }) => [type, object.metadata.name]),
    [
      ['ADDED', 'a'],
      ['ADDED', 'b'],
      ['DELETED', 'a'],
    ],
  );
  t.notOk(heard.messages[0]?.binary);
  t.equal(await heard.closed, 1000, 'its time is over');
});

t.test('in protobuf a message is a frame without its length', async (t) => {
  const accept = 'application/vnd.kubernetes.protobuf';
  const heard = watch(`${maps}?watch=true&timeoutSeconds=1`, { accept });
  await heard.until(1);
  const [first] = heard.messages;
  t.ok(first?.binary);
  t.equal(first?.bytes.toString('latin1', 0, 7), '\n\x05ADDED');
  await heard.closed;
});

t.test('a protocol that is offered is taken, a token is none', async (t) => {
  const token = 'base64url.bearer.authorization.k8s.io.eA';
  const heard = watch(`${maps}?watch=true&timeoutSeconds=1`, {}, [token, 'mine']);
  await new Promise((resolve) => heard.socket.once('open', resolve));
  t.equal(heard.socket.protocol, 'mine');
  await heard.closed;
});

t.test('what HTTP refuses is refused before the upgrade', async (t) => {
  t.equal(await watch(`${maps}?watch=true`, {}, [], '').closed, 403);
  t.equal(await watch(`${maps}?watch=true&fieldSelector=x%3Dy`).closed, 400);
  t.equal(await watch('/apis/nobody.io/v1/things?watch=true').closed, 404);
  t.equal(await watch(`${maps}?watch=true&resourceVersionMatch=Exact`).closed, 422);
});

t.test('a client that goes is forgotten', async (t) => {
  const heard = watch(`${maps}?watch=true`);
  await new Promise((resolve) => heard.socket.once('open', resolve));
  const open = async () =>
    Number(
      /longrunning_requests{verb="WATCH"} (\d+)/.exec(
        (await raw(server, 'GET', '/metrics')).text,
      )?.[1],
    );
  t.ok((await open()) >= 1);
  heard.socket.terminate();
  const deadline = Date.now() + 60_000;
  while ((await open()) > 0 && Date.now() < deadline) await new Promise(setImmediate);
  t.equal(await open(), 0);
});
