import { PassThrough } from 'node:stream';
import t from 'tap';
import type WebSocket from 'ws';
import { StartError } from '#node-agent/container/runtime.ts';
import { eventually } from '../agent-rig.ts';
import { echoSession } from '../fakes.ts';
import { withPod } from './api-rig.ts';

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

t.test(
  'before version 4 the error channel says nothing of success, and why in words',
  async (t) => {
    const { rig, connect } = await withPod(t);
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const protocols = ['v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', ''];
    for (const exitCode of [0, 7]) {
      rig.runtime.execSession = (spec) => ({
        ...echoSession(spec),
        exitCode: Promise.resolve(exitCode),
      });
      const reason =
        exitCode === 0 ? '' : 'command terminated with non-zero exit code: exit status 7';
      const path = '/exec/default/web/main?command=x&stdout=true';
      for (const protocol of [...protocols, 'base64.channel.k8s.io']) {
        const socket = connect(path, protocol === '' ? [] : [protocol]);
        const streams = channelsOf(socket);
        await streams.opened;
        t.equal(socket.protocol, protocol);
        const encoded = protocol.startsWith('base64');
        const texts = await streams.closed;
        // A channel's name is a digit where what it carries is base64.
        const failure = encoded ? texts[0x33] : texts[3];
        t.equal(failure ?? '', encoded ? base64(reason) : reason, `${protocol}: ${exitCode}`);
      }
    }
  },
);

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
