/** exec over SPDY/3.1, by a client of our own. */
import t from 'tap';
import { eventually } from '../agent-rig.ts';
import { echoSession } from '../fakes.ts';
import { withPod } from './api-rig.ts';
import { connected, newest, upgrade } from './spdy-upgrade.ts';

const execPath = '/exec/default/web/main?command=cat&stdin=true&stdout=true&stderr=true';

t.test('exec carries the streams, half closes and the exit code', async (t) => {
  const all = await withPod(t);
  const client = await connected(all, execPath, newest);
  const error = await client.open({ streamtype: 'error' });
  const stdin = await client.open({ streamtype: 'stdin' });
  const stdout = await client.open({ streamtype: 'stdout' });
  const stderr = await client.open({ streamtype: 'stderr' });
  stdin.write('to be ');
  stdin.write('echoed');
  stdin.end();
  t.equal(await stdout.ended.promise, 'to be echoed');
  t.equal(await stderr.ended.promise, '');
  t.strictSame(JSON.parse(await error.ended.promise), { metadata: {}, status: 'Success' });
  await client.closed;
  t.equal(client.replies, 4);
  t.ok(client.goneAway);
});

t.test('a command that fails says so in the words of the protocol', async (t) => {
  const all = await withPod(t);
  all.rig.runtime.execSession = (spec) => ({ ...echoSession(spec), exitCode: Promise.resolve(7) });
  for (const [protocol, wanted] of [
    ['v4.channel.k8s.io', /"reason":"NonZeroExitCode"/],
    ['channel.k8s.io', /^command terminated with non-zero exit code: exit status 7$/],
  ] as const) {
    const path = '/exec/default/web/main?command=x&stdout=true';
    const client = await connected(all, path, protocol);
    const error = await client.open({ streamtype: 'error' });
    await client.open({ streamtype: 'stdout' });
    t.match(await error.ended.promise, wanted);
  }
});

t.test('sizes of a terminal come over their own stream', async (t) => {
  const all = await withPod(t);
  const sizes: number[][] = [];
  all.rig.runtime.execSession = (spec) => ({
    ...echoSession(spec),
    resize: (columns, rows) => sizes.push([columns, rows]),
  });
  const path = '/exec/default/web/main?command=sh&stdin=true&stdout=true&tty=true';
  const client = await connected(all, path, newest);
  for (const streamtype of ['error', 'stdin', 'stdout']) await client.open({ streamtype });
  const resize = await client.open({ streamtype: 'resize' });
  resize.write('{"Width":100,"Height":40}\n');
  await eventually('the first size', () => sizes.length > 0);
  resize.write('{"Width":120,"Hei');
  resize.write('ght":50}\n');
  await eventually('the second size', () => sizes.length > 1);
  t.strictSame(sizes.at(-1), [120, 50]);
  client.close();
});

t.test('what cannot be agreed on is refused before anything runs', async (t) => {
  const all = await withPod(t);
  const none = await upgrade(all, execPath, '');
  t.match(none, { status: 400, text: /names no protocol/ });
  const unknown = await upgrade(all, execPath, 'v9.channel.k8s.io');
  t.match(unknown, { status: 403, text: /client supports \[v9\.channel\.k8s\.io\]/ });
});

t.test('a client that speaks no SPDY is cut off', async (t) => {
  const all = await withPod(t);
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    Buffer.from('800300010000ffff', 'hex'),
    Buffer.from('8009000100000001', 'hex'),
    Buffer.from('00000001ffffffff', 'hex'),
  ]) {
    const { socket, client } = await upgrade(all, execPath, newest);
    socket?.write(bytes);
    if (typeof bytes === 'string') socket?.write(Buffer.alloc(70_000, 0xff));
    else if (bytes[3] === 1) socket?.write(Buffer.alloc(0xffff, 0x55));
    await client?.closed;
  }
  t.pass('all were closed');
});

t.test('a small block of headers does not become a large one', async (t) => {
  const all = await withPod(t);
  const client = await connected(all, execPath, newest);
  await client.open({ streamtype: 'a'.repeat(10 * 1024 * 1024) }).catch(() => undefined);
  await client.closed;
});
