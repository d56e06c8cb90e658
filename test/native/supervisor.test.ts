/** A supervisor spoken to by somebody who does not know its language, or the machine behind its back. */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { encodeContainer, encodeProcess } from '#native/encode.ts';
import { encodeFrame, encodeNumbers, type Frame, FrameReader, frame } from '#native/frames.ts';
import { plainProcess } from '#native/plain-process.ts';
import { namespaceType } from '#native/protocol.ts';
import { startSupervisor } from '#native/spawn.ts';
import { wireMount } from '#node-agent/container/standard-mounts.ts';
import {
  containerSpec,
  exited,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
} from '../node-agent/container/node.ts';
import { plainContainer } from './plain-container.ts';

const node = await startNode('wire');
t.teardown(() => stopNode(node));
const sandbox = sandboxSpec(node);
await node.runtime.createSandbox(sandbox);
const spec = containerSpec(node, sandbox.id, { args: ['sleep', '1000'] });
await node.runtime.start(spec);
const path = `${node.runDir}/c/${spec.id}/ctl.sock`;

async function open(): Promise<{ socket: Socket; frames: Frame[]; closed: Promise<void> }> {
  const socket = connect(path);
  const frames: Frame[] = [];
  const reader = new FrameReader();
  socket.on('data', (bytes: Buffer) => frames.push(...reader.push(bytes)));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, frames, closed };
}

/** Proof that the supervisor still serves. */
async function alive(t: Test): Promise<void> {
  await node.runtime.signal(spec.id, 0);
  const session = await node.runtime.exec(spec.id, { args: ['true'], tty: false, stdin: false });
  t.equal(await session.exitCode, 0);
}

const header = (length: number, type: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(length >>> 0);
  bytes[4] = type;
  return bytes;
};

t.test('a frame longer than any may be closes only its own connection', async (t) => {
  const cases: readonly (readonly [number, number])[] = [
    [0xffffffff, frame.exec],
    [(1 << 20) + 1, frame.exec],
    [0xffffffff, frame.stdin],
    [1 << 20, frame.stdin],
    [20_000, frame.status],
    [0, 0],
    [0, 255],
    [4, 77],
  ];
  for (const [length, type] of cases) {
    const { socket, closed } = await open();
    socket.write(Buffer.concat([header(length, type), Buffer.alloc(64)]));
    await closed;
  }
  await alive(t);
});

t.test('another user is not answered, and does not come that far (CVE-2020-15257)', async (t) => {
  const user = ['--reuid=1234', '--regid=1234', '--clear-groups'];
  const may = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  const talk = `const socket = require('node:net').connect(process.argv[1]);
    socket.write(Buffer.from(process.argv[2], 'hex'));
    socket.on('data', () => { console.log('answered'); socket.destroy(); });
    socket.on('error', ({ code }) => console.log(code));
    socket.on('close', () => console.log('closed'));
    setTimeout(() => process.exit(), 20_000).unref();`;
  const status = encodeFrame(frame.status).toString('hex');
  const ask = (words: readonly string[]) =>
    spawnSync('setpriv', [...words, process.execPath, '-e', talk, path, status], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
  t.match(ask([]).stdout, /^answered\n/, 'its own user is');
  // The socket's directory lets him in by this capability alone.
  const { stdout, stderr } = ask([...user, ...may]);
  t.match(stdout, /^(ECONNRESET\n|EPIPE\n)?closed\n$/, stderr);
  const look = spawnSync('setpriv', [...user, 'ls', path], { encoding: 'utf8' });
  t.match(look.stderr, /Permission denied/);
  await alive(t);
});

t.test('requests with missing bytes are refused', async (t) => {
  const { socket, frames } = await open();
  socket.write(encodeFrame(frame.signal, Buffer.alloc(2)));
  socket.write(encodeFrame(frame.attach, Buffer.alloc(3)));
  socket.write(encodeFrame(frame.resize, Buffer.alloc(5)));
  socket.write(encodeFrame(frame.exec, Buffer.alloc(9)));
  socket.write(encodeNumbers(frame.signal, 9999));
  await new Promise<void>((resolve) => {
    const check = () => (frames.length >= 4 ? resolve() : setTimeout(check, 5));
    check();
  });
  const einval = 22;
  t.strictSame(
    frames.map(({ type, payload }) => [type, payload.readUInt32LE(type === frame.failed ? 0 : 4)]),
    [
      [frame.done, einval],
      [frame.done, einval],
      [frame.failed, einval],
      [frame.done, einval],
    ],
  );
  socket.destroy();
  await alive(t);
});

t.test('bytes by chance do it no harm', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);
  t.comment(`SEED=${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state % below;
  };
  const process_ = encodeProcess({
    ...plainProcess,
    groups: [1, 2],
    cgroups: ['/nowhere'],
    args: ['true'],
    env: ['A=b'],
    // No seccomp program: one by chance could forbid the child even to end.
  });
  for (let round = 0; round < 300; round++) {
    const { socket } = await open();
    const body = Buffer.from(process_);
    for (let i = random(4); i >= 0; i--) body[random(body.length)] = random(256);
    const cut = body.subarray(0, random(body.length + 1));
    const type = random(3) === 0 ? random(12) : frame.exec;
    // Asking for the end is the one request that is meant to end it; SIGKILL would end the container.
    if (type !== frame.acknowledge && type !== frame.signal) socket.write(encodeFrame(type, cut));
    await new Promise((resolve) => socket.end(() => resolve(undefined)));
    socket.destroy();
  }
  await alive(t);
});

t.test('every cut of a spec is refused with a reason', async (t) => {
  const whole = encodeContainer({
    ...plainContainer,
    layers: ['/nowhere'],
    upper: '/nowhere',
    work: '/nowhere',
    namespaces: [{ type: namespaceType.mount, path: '' }],
    mounts: [wireMount({ type: 'tmpfs', target: '/x', options: ['size=1'] })],
    masked: ['/a'],
    process: { ...plainProcess, args: ['true'], env: [] },
  });
  for (let length = 0; length < whole.length; length += 3) {
    const directory = `${node.runDir}/c/cut${length}`;
    const answer = await startSupervisor({
      directory,
      id: 'cut',
      before: [['mkdir', directory, '700']],
      rest: (give) => give({ meanwhile: [], spec: whole.subarray(0, length) }),
    });
    t.equal(answer.frame[4], frame.failed, `${length} bytes`);
    t.equal(answer.socket, -1);
  }
});

t.test('an order whose rest never comes ends its supervisor', async (t) => {
  const directory = `${node.runDir}/c/withheld`;
  const order = { directory, id: 'withheld', before: [['mkdir', directory, '700'] as const] };
  const fails = (rest: () => void | Promise<void>) => startSupervisor({ ...order, rest });
  await t.rejects(
    fails(() => Promise.reject(new Error('no such limit'))),
    { message: 'no such limit' },
  );
  rmSync(`${directory}/ctl.sock`);
  await t.rejects(
    fails(() => undefined),
    { code: 'ECANCELED' },
  );
  const left = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'bay-supervisor\0withheld\0';
    } catch {
      return false; // it ended meanwhile
    }
  });
  t.strictSame(left, []);
  rmSync(directory, { recursive: true });
});

const sanitized = process.env['BAY_SUPERVISOR'] !== undefined;
t.test('a supervisor costs little', { skip: sanitized && 'another build' }, async (t) => {
  const { supervisor } = JSON.parse(readFileSync(`${node.runDir}/c/${spec.id}/state`, 'utf8'));
  const open = readdirSync(`/proc/${supervisor}/fd`).map((fd) =>
    readlinkSync(`/proc/${supervisor}/fd/${fd}`),
  );
  // With a file in its place, which is always ready, it would turn and turn.
  t.ok(open.includes('anon_inode:[signalfd]'), `waits for its children by ${open}`);
  const rollup = readFileSync(`/proc/${supervisor}/smaps_rollup`, 'utf8');
  // Its program's pages are shared with every other supervisor.
  const own = Number(/^Anonymous: +(\d+)/m.exec(rollup)?.[1]);
  t.ok(own < 200, `${own} KiB of its own, after all of the above`);
});

t.test('nothing is left', async (t) => {
  await node.runtime.kill(spec.id);
  await exited(node, spec.id);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(
    traces(node).filter((name) => !name.startsWith('cut')),
    [],
  );
});
