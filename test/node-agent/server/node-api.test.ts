import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import WebSocket from 'ws';
import { ensurePki } from '#api/pki/pki.ts';
import { silent } from '#controller/runtime/log.ts';
import { StartError } from '#node-agent/container/runtime.ts';
import { logFile } from '#node-agent/pod/paths.ts';
import { imageRoutes } from '#node-agent/server/image-routes.ts';
import { serveNodeApi } from '#node-agent/server/node-api.ts';
import { podRoutes, streamRoutes } from '#node-agent/server/pod-routes.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';
import { echoSession } from '../fakes.ts';

interface Tap {
  teardown(run: () => unknown): void;
}

const pkiDir = mkdtempSync(join(tmpdir(), 'pods-pki-'));
t.before(() => ensurePki({ dir: pkiDir, nodeNames: ['n1'], hosts: [] }));
t.teardown(() => rmSync(pkiDir, { recursive: true, force: true }));
const pem = (name: string) => readFileSync(join(pkiDir, name), 'utf8');
const identity = (name: string) => ({
  ca: pem('ca.crt'),
  cert: pem(`${name}.crt`),
  key: pem(`${name}.key`),
  servername: 'n1',
});

async function served(t: Tap) {
  const rig = await agentRig();
  const options = {
    get pods() {
      return rig.pods;
    },
    runtime: rig.runtime,
    paths: { dataDir: rig.dataDir },
    nodeName: 'n1',
  };
  let imageChanges = 0;
  const onChange = () => {
    imageChanges += 1;
  };
  const api = await serveNodeApi({
    bindAddress: '127.0.0.1',
    port: 0,
    tls: { ca: pem('ca.crt'), cert: pem('node-n1.crt'), key: pem('node-n1.key') },
    routes: [...podRoutes(options), ...imageRoutes({ images: rig.images, onChange })],
    upgrades: streamRoutes(options),
    log: silent,
  });
  t.teardown(async () => {
    await api.close();
    rig.close();
  });
  const ask = (method: string, path: string, as = 'api-server-client', body = '') =>
    new Promise<{ code: number; text: string }>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: api.port, method, path, ...identity(as) };
      const call = request(target, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      call.on('error', reject);
      call.end(body);
    });
  const connect = (path: string, protocol: string | string[]) =>
    new WebSocket(`wss://127.0.0.1:${api.port}${path}`, protocol, identity('admin'));
  return { rig, ask, connect, imageChanges: () => imageChanges };
}

async function withPod(t: Tap) {
  const all = await served(t);
  await all.rig.create(podOf('web'));
  await all.rig.until('web', (pod) => pod.status?.phase === 'Running');
  return all;
}

/** Collects a stream's channels until the connection closes. */
function channelsOf(socket: WebSocket) {
  const texts: Record<number, string> = {};
  socket.on('message', (data: Buffer) => {
    const number = data[0] ?? -1;
    texts[number] = (texts[number] ?? '') + data.toString('utf8', 1);
  });
  const closed = new Promise<Record<number, string>>((resolve, reject) => {
    socket.on('close', () => resolve(texts));
    socket.on('error', reject);
  });
  const opened = new Promise<void>((resolve) => socket.on('open', resolve));
  return { texts, closed, opened };
}

const channel = (number: number, text: string | Buffer) =>
  Buffer.concat([Buffer.of(number), Buffer.from(text)]);

t.test('only the API server and administrators are answered', async (t) => {
  const { ask } = await served(t);
  t.equal((await ask('GET', '/pods')).code, 200);
  t.equal((await ask('GET', '/pods', 'admin')).code, 200);
  const refused = await ask('GET', '/pods', 'controller');
  t.equal(refused.code, 403);
  t.match(JSON.parse(refused.text), { kind: 'Status', reason: 'Forbidden' });
  t.equal((await ask('GET', '/nowhere')).code, 404);
  t.equal((await ask('POST', '/pods')).code, 405);
});

t.test('logs of a container are served, and what is wrong is said', async (t) => {
  const { rig, ask } = await withPod(t);
  const state = rig.pods.find('default', 'web')?.state;
  if (state === undefined) return t.fail('no state');
  const path = logFile({ dataDir: rig.dataDir }, state.identity, { container: 'main', attempt: 0 });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    '2026-05-01T12:00:00.1Z stdout F hello\n2026-05-01T12:00:01.1Z stderr F you\n',
  );
  const log = '/containerLogs/default/web/main';
  t.strictSame(await ask('GET', `${log}?tailLines=1`), { code: 200, text: 'you\n' });
  t.strictSame(await ask('GET', log), { code: 200, text: 'hello\nyou\n' });
  const previous = await ask('GET', `${log}?previous=true`);
  t.equal(previous.code, 400);
  t.match(previous.text, /previous terminated container \\"main\\" in pod \\"web\\" not found/);
  t.equal((await ask('GET', '/containerLogs/default/none/main')).code, 404);
  t.equal((await ask('GET', '/containerLogs/default/web/none')).code, 400);
  const following = ask('GET', `${log}?follow=true`);
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 0);
  t.match(await following, { code: 200, text: /^hello\nyou\n/ });
});

t.test('exec carries the streams and ends with the exit code', async (t) => {
  const { rig, connect } = await withPod(t);
  const path = '/exec/default/web/main?command=cat&stdin=true&stdout=true&stderr=true';
  const socket = connect(path, ['v4.channel.k8s.io', 'v5.channel.k8s.io']);
  const streams = channelsOf(socket);
  await streams.opened;
  t.equal(socket.protocol, 'v5.channel.k8s.io');
  socket.send(channel(0, 'to be echoed'));
  socket.send(channel(255, Buffer.of(0)));
  const texts = await streams.closed;
  t.equal(texts[1], 'to be echoed');
  t.strictSame(JSON.parse(texts[3] ?? ''), { metadata: {}, status: 'Success' });
  rig.runtime.execSession = (spec) => ({ ...echoSession(spec), exitCode: Promise.resolve(7) });
  const failing = await channelsOf(
    connect('/exec/default/web/main?command=x&stdout=1', ['v4.channel.k8s.io']),
  ).closed;
  t.match(JSON.parse(failing[3] ?? ''), {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  });
});

t.test('a command that cannot be run ends like a shell would end it', async (t) => {
  const { rig, connect } = await withPod(t);
  rig.runtime.execSession = () => {
    throw new StartError('exec "nothing": not found in $PATH', 127);
  };
  const path = '/exec/default/web/main?command=nothing&stdout=true&stderr=true';
  const texts = await channelsOf(connect(path, ['v5.channel.k8s.io'])).closed;
  t.match(texts[2], /not found/);
  t.match(JSON.parse(texts[3] ?? ''), { details: { causes: [{ message: '127' }] } });
});

t.test('a terminal is resized, base64 is understood', async (t) => {
  const { rig, connect } = await withPod(t);
  const sizes: number[][] = [];
  rig.runtime.execSession = (spec) => ({
    ...echoSession(spec),
    resize: (columns, rows) => sizes.push([columns, rows]),
  });
  const path = '/exec/default/web/main?command=sh&stdin=true&stdout=true&tty=true';
  const socket = connect(path, ['v4.base64.channel.k8s.io']);
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(`4${Buffer.from('{"Width":100,"Height":40}').toString('base64')}`);
  socket.send(`0${Buffer.from('hi').toString('base64')}`);
  await eventually('the echo', () => messages.includes(`1${Buffer.from('hi').toString('base64')}`));
  t.strictSame(sizes, [[100, 40]]);
  socket.close();
});

t.test(
  'a slow client slows the process down: the agent holds no more than a few messages',
  async (t) => {
    const { rig, connect } = await withPod(t);
    let written = 0;
    rig.runtime.execSession = (spec) => {
      const stdout = new PassThrough();
      const block = Buffer.alloc(64 * 1024);
      const pump = () => {
        while (written < 64 * 1024 * 1024) {
          written += block.length;
          if (!stdout.write(block)) {
            stdout.once('drain', pump);
            return;
          }
        }
        stdout.end();
      };
      pump();
      const stderr = new PassThrough();
      stderr.end();
      return { ...echoSession(spec), stdout, stderr, exitCode: Promise.resolve(0) };
    };
    const socket = connect('/exec/default/web/main?command=yes&stdout=true', ['v5.channel.k8s.io']);
    await new Promise((resolve) => socket.on('open', resolve));
    socket.pause();
    let last = -1;
    await eventually('the process to be held up', async () => {
      const before = last;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return before === written;
    });
    t.ok(written < 32 * 1024 * 1024, `${written} bytes written`);
    const received = channelsOf(socket);
    socket.resume();
    t.match(JSON.parse((await received.closed)[3] ?? ''), { status: 'Success' });
  },
);

t.test('upgrades that cannot be served are refused with a Status', async (t) => {
  const { connect } = await withPod(t);
  const refused = (path: string, protocol = 'v5.channel.k8s.io') =>
    new Promise<number>((resolve) => {
      const socket = connect(path, [protocol]);
      socket.on('unexpected-response', (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('error', () => undefined);
    });
  t.equal(await refused('/exec/default/web/none?command=x&stdout=1'), 400);
  t.equal(await refused('/exec/default/none/main?command=x&stdout=1'), 404);
  t.equal(await refused('/exec/default/web/main?stdout=1'), 400);
  t.equal(await refused('/exec/default/web/main?command=x'), 400);
  t.equal(await refused('/exec/default/web/main?command=x&stdout=1', 'other'), 400);
});

t.test('images are loaded, tagged, listed and removed', async (t) => {
  const { ask, imageChanges } = await served(t);
  const loaded = await ask('POST', '/images/load', 'admin', 'mine');
  t.equal(loaded.code, 200);
  t.match(JSON.parse(loaded.text), [{ tags: ['bayplan.local/busybox:latest'] }]);
  t.equal((await ask('POST', '/images/load', 'admin', 'broken')).code, 400);
  t.equal((await ask('POST', '/images/tag?source=mine&target=yours')).code, 200);
  t.equal((await ask('POST', '/images/tag?source=none&target=yours')).code, 404);
  t.equal((await ask('POST', '/images/tag?source=none')).code, 400);
  t.equal((await ask('DELETE', '/images/a%2Fb:c')).code, 200);
  t.equal(JSON.parse((await ask('GET', '/images')).text).length, 1);
  t.equal(imageChanges(), 3);
});
