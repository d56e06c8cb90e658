/** Processes made for somebody else: a container at its gate, hooks before it, programs beside it. */

import { closeSync, mkdirSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import t from 'tap';
import {
  connectSocket,
  lockDirectory,
  openPidfd,
  receiveDescriptor,
  signalPidfd,
  socketPair,
  waitChild,
} from '#native/descriptors.ts';
import { encodeContainer, encodeProcess } from '#native/encode.ts';
import { decodeGate, HandOverError, type HandOverOrder, handOver } from '#native/hand-over.ts';
import { namespaceType, processFlag, type WireProcess } from '#native/protocol.ts';
import { standardMounts } from '#node-agent/container/standard-mounts.ts';
import { busyboxLayer } from '../node-agent/container/node.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { plainContainer, program } from './plain-container.ts';

needsRoot();
const fresh = scratch('hand-over');
const layer = busyboxLayer(fresh());
const mounts = standardMounts({
  writable: false,
  hierarchies: { v1: {}, v1Mounts: [], v2Controllers: [] },
  cgroup: '',
  shm: fresh(),
  ttyGid: 5,
  mapped: false,
});

function container(process: WireProcess): Buffer {
  const directory = fresh();
  for (const name of ['upper', 'work']) mkdirSync(`${directory}/${name}`);
  return encodeContainer({
    ...plainContainer,
    namespaces: [namespaceType.mount, namespaceType.pid].map((type) => ({ type, path: '' })),
    layers: [layer],
    upper: `${directory}/upper`,
    work: `${directory}/work`,
    mounts,
    mountsBeforeDevices: mounts.length,
    process,
  });
}

interface Made {
  readonly directory: string;
  readonly pid: number;
  /** What the program has written; resolves at its end. */
  readonly output: Promise<string>;
}

async function make(change: Partial<HandOverOrder> & { spec: Uint8Array }): Promise<Made> {
  const directory = fresh();
  const [ours, theirs] = socketPair();
  const null_ = openSync('/dev/null', 'r');
  try {
    const order = { directory, id: 'test', stdio: [null_, theirs, theirs] as const, ...change };
    const pid = await handOver(order);
    return { directory, pid, output: text(ours) };
  } finally {
    closeSync(theirs);
    closeSync(null_);
  }
}

async function text(descriptor: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of new Socket({ fd: descriptor })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function openGate({ directory }: Made): Promise<string | undefined> {
  const socket = new Socket({ fd: connectSocket(directory, 'gate') });
  socket.write('s');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const failure = decodeGate(Buffer.concat(chunks));
  return failure && `${failure.what} ${failure.path}: ${failure.errno} ${failure.exitCode}`;
}

t.test('a container waits at its gate and is our child when it runs', async (t) => {
  const made = await make({ spec: container(program(['sh', '-c', 'echo $$ here; exit 7'])) });
  const stat = readFileSync(`/proc/${made.pid}/stat`, 'utf8');
  t.match(stat, new RegExp(`\\) [RSD] ${process.pid} `), 'a child of ours');
  closeSync(connectSocket(made.directory, 'gate')); // who only looks does not start it
  t.equal(await openGate(made), undefined);
  t.equal(await made.output, '1 here\n');
  t.strictSame(await waitChild(made.pid), { exitCode: 7, signal: 0 });
  t.throws(() => connectSocket(made.directory, 'gate'), { code: 'ECONNREFUSED' });
});

t.test('a program that is not there is told before the gate', async (t) => {
  await t.rejects(make({ spec: container(program(['nowhere'])) }), {
    name: 'HandOverError',
    message: 'find the program nowhere',
  });
  await t.rejects(make({ spec: container(program(['/etc/not-executable'])) }), {
    name: 'HandOverError',
    message: 'execute /etc/not-executable',
  });
});

t.test('what cannot be executed is told at the gate', async (t) => {
  const spec = container(program(['/etc/broken']));
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${layer}/etc/broken`, 'no program', { mode: 0o755 });
  const made = await make({ spec });
  t.equal(await openGate(made), 'execute /etc/broken: 8 126');
  t.equal((await waitChild(made.pid)).exitCode, 126);
});

t.test('hooks see the namespaces and the old root, and can forbid the container', async (t) => {
  const seen: string[] = [];
  const hooks = async (pid: number) => {
    seen.push(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync(`/proc/${pid}/ns/pid`));
    seen.push(
      readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(' overlay ') ? 'overlay' : '',
    );
    seen.push(String(readFileSync(`/proc/${pid}/root/proc/self/stat`).length > 0));
  };
  const made = await make({ spec: container(program(['true'])), hooks });
  t.equal(await openGate(made), undefined);
  t.equal((await waitChild(made.pid)).exitCode, 0);
  t.not(seen[0], readlinkSync('/proc/self/ns/mnt'));
  t.equal(seen[2], 'overlay');
  let pid = 0;
  const refusing = async (born: number) => {
    pid = born;
    throw new Error('the hook says no');
  };
  await t.rejects(make({ spec: container(program(['true'])), hooks: refusing }), /says no/);
  t.equal((await waitChild(pid)).signal, 9);
});

t.test('descriptors: three streams, those preserved, and no other', async (t) => {
  const kept = openSync(`${layer}/etc/passwd`, 'r');
  const other = openSync('/etc', 'r');
  // The last is that of the directory itself.
  const list = 'read line <&4; echo $line; cd /proc/self/fd; echo *';
  const spec = container(program(['sh', '-c', list]));
  const made = await make({ spec, preserved: [kept, kept] });
  for (const fd of [kept, other]) closeSync(fd);
  t.equal(await openGate(made), undefined);
  t.equal(await made.output, 'root:x:0:0:root:/root:/bin/sh\n0 1 2 3 4 5\n');
  await waitChild(made.pid);
});

t.test('the terminal goes to the console socket', async (t) => {
  const [ours, theirs] = socketPair();
  const process = program(['sh', '-c', 'stty size; tty'], { flags: processFlag.tty });
  const made = await make({ spec: container(process), console: theirs });
  const master = await receiveDescriptor(ours);
  t.equal(await openGate(made), undefined);
  await waitChild(made.pid);
  const bytes = Buffer.alloc(100);
  const length = readSync(master, bytes);
  t.match(bytes.toString('utf8', 0, length), '25 80\r\n/dev/pts/0\r\n');
  for (const fd of [ours, theirs, master]) closeSync(fd);
});

t.test('a program joins a container', async (t) => {
  const made = await make({ spec: container(program(['sleep', '1000'])) });
  await openGate(made);
  const pidfd = openPidfd(made.pid);
  const joining = program(['sh', '-c', 'ls /proc/1/exe >/dev/null && cat /proc/1/cmdline; exit 3']);
  const beside = await make({ spec: encodeProcess(joining), pidfd });
  t.equal(await beside.output, 'sleep\u00001000\0');
  t.equal((await waitChild(beside.pid)).exitCode, 3);
  await t.rejects(make({ spec: encodeProcess(program(['nowhere'])), pidfd }), HandOverError);
  signalPidfd(pidfd, 9);
  t.equal((await waitChild(made.pid)).signal, 9);
  closeSync(pidfd);
});

t.test('a lock is held by one', async (t) => {
  const directory = fresh();
  const first = await lockDirectory(directory);
  let got = false;
  const second = lockDirectory(directory).then((fd) => {
    got = true;
    return fd;
  });
  await new Promise(setImmediate);
  t.equal(got, false);
  closeSync(first);
  closeSync(await second);
});
