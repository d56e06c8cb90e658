/** gRPC health checks against servers of every kind. */
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import t from 'tap';
import { checkGrpc } from '#node-agent/pod/grpc-probe.ts';

const listen = async (server: Server | Http2Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** Asks a server that answers as `answer` does; what it was asked is kept. */
async function ask(answer: (stream: ServerHttp2Stream) => void, service = '') {
  const asked: { path?: string; body?: string } = {};
  const server = createServer();
  server.on('stream', (stream, headers) => {
    asked.path = String(headers[':path']);
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      asked.body = Buffer.concat(chunks).toString('hex');
      answer(stream);
    });
  });
  const port = await listen(server);
  const run = checkGrpc({ host: '127.0.0.1', port, service }, AbortSignal.timeout(20_000));
  const problem = await run.then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { asked, problem };
}

const said = (status: number[], code = '0') => {
  const frame = Buffer.from([0, 0, 0, 0, status.length, ...status]);
  return (stream: ServerHttp2Stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code }));
    stream.end(frame);
  };
};
const refused = (code: string, message: string) => (stream: ServerHttp2Stream) =>
  stream.respond(
    { ':status': 200, 'grpc-status': code, 'grpc-message': message },
    { endStream: true },
  );

t.test('a service that serves is well', async (t) => {
  const whole = await ask(said([8, 1]));
  t.equal(whole.problem, undefined);
  t.strictSame(whole.asked, { path: '/grpc.health.v1.Health/Check', body: '0000000000' });
  const one = await ask(said([8, 1]), 'web');
  t.equal(one.problem, undefined);
  t.equal(one.asked.body, '00000000050a03776562');
});

t.test('any other answer is a failure that says why', async (t) => {
  const rows = [
    [said([8, 2]), /service unhealthy \(responded with "NOT_SERVING"\)/],
    [said([]), /responded with "UNKNOWN"/],
    [said([8, 3]), /responded with "SERVICE_UNKNOWN"/],
    [said([], '5'), /failed with code 5/],
    [refused('12', 'unknown%20service'), /does not implement the grpc health.*unknown service/],
    [refused('5', 'none'), /failed with code 5: none/],
    [refused('5', 'bad%zz'), /failed with code 5: bad%zz/],
    [(stream: ServerHttp2Stream) => stream.close(2), /code|INTERNAL/],
    [
      (stream: ServerHttp2Stream) => stream.respond({ ':status': 404 }, { endStream: true }),
      /code unknown: HTTP status 404/,
    ],
  ] as const;
  for (const [answer, why] of rows) t.match((await ask(answer)).problem, why, String(why));
});

t.test('nobody there, no gRPC, no answer', async (t) => {
  const tcp = createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const port = await listen(tcp);
  const check = (of: number, ms = 20_000) =>
    checkGrpc({ host: '127.0.0.1', port: of, service: '' }, AbortSignal.timeout(ms));
  await t.rejects(check(port));
  const silent = await listen(
    createTcpServer((socket) => socket.on('error', () => undefined).unref()),
  );
  await t.rejects(check(silent, 50), /timeout: failed to connect service/);
  const gone = createTcpServer();
  const closed = await listen(gone);
  await new Promise((resolve) => gone.close(resolve));
  await t.rejects(check(closed), /ECONNREFUSED/);
});
