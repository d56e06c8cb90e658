/**
 * The API server alone, over TLS and HTTP/2, on an etcd of its own with fsync: rates, and the CPU time of the server's
 * process beside them, for rates swing with the machine. `node bench/api.ts [pods]` (10,000).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePki } from '#api/pki/pki.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { type Ask, ask, countingWatch, load, openSession } from './api-load.ts';
import { create, name, patchStatus, pod, pods } from './api-pods.ts';
import { type Running, startServer } from './api-process.ts';
import { cpuMsOf, memoryOf, printTable } from './measure.ts';

const podCount = Number(process.argv[2] ?? 10_000);
const rows: Record<string, string | number>[] = [];
/** What is measured so far goes to stderr at once. */
const add = (row: Record<string, string | number>): void => {
  rows.push(row);
  process.stderr.write(`${Object.values(row).join('  ')}\n`);
};
const mb = (kib: number): string => `${Math.round((kib * 1024) / 1e6)} MB`;

/** The server's CPU time for what `run` does, in µs. */
async function cpuOf<T>(pid: number, run: () => Promise<T>): Promise<{ us: number; result: T }> {
  const before = cpuMsOf(pid);
  const result = await run();
  return { us: (cpuMsOf(pid) - before) * 1000, result };
}

async function rate(
  what: string,
  pid: number,
  goal: string,
  count: number,
  run: () => ReturnType<typeof load>,
) {
  const { us, result } = await cpuOf(pid, run);
  add({
    what,
    'per second': Math.round(result.perSecond),
    'p50 ms': result.p50.toFixed(2),
    'p99 ms': result.p99.toFixed(2),
    'server CPU µs each': Math.round(us / count),
    'must / aim / Go': goal,
  });
}

/** The quickest of several, with the mean CPU time. */
async function whole(
  what: string,
  pid: number,
  goal: string,
  session: ClientHttp2Session,
  request: Ask,
) {
  const times: number[] = [];
  const rounds = 8;
  let size = 0;
  const { us } = await cpuOf(pid, async () => {
    for (let n = 0; n < rounds; n += 1) {
      const began = performance.now();
      const { status: code, bytes } = await ask(session, request);
      if (code !== 200) throw new Error(`${request.path}: ${code}`);
      times.push(performance.now() - began);
      size = bytes;
    }
  });
  times.sort((a, b) => a - b);
  add({
    what: `${what}, ${(size / 1e6).toFixed(1)} MB`,
    'per second': '',
    'p50 ms': (times[rounds / 2] ?? 0).toFixed(1),
    'p99 ms': (times.at(-1) ?? 0).toFixed(1),
    'server CPU µs each': Math.round(us / rounds),
    'must / aim / Go': goal,
  });
}

const remark = (what: string, value: string, goal: string): void => {
  add({
    what,
    'per second': value,
    'p50 ms': '',
    'p99 ms': '',
    'server CPU µs each': '',
    'must / aim / Go': goal,
  });
};

function calibrate(): void {
  const text = JSON.stringify(pod(1));
  for (let n = 0; n < 5000; n += 1) JSON.parse(text);
  const began = performance.now();
  for (let n = 0; n < 20_000; n += 1) JSON.parse(text);
  remark(
    'calibration: JSON.parse of the pod',
    `${((performance.now() - began) / 20).toFixed(1)} µs`,
    '',
  );
}

/** Throws after a minute: an event that does not come is a fault and no measure. */
async function until(what: string, reached: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!reached()) {
    if (performance.now() > deadline) throw new Error(`waited a minute for ${what}`);
    await sleep(2);
  }
}

async function fanOut(server: Running, sessions: readonly ClientHttp2Session[], updates: number) {
  const watchers = 1000;
  const path = `${pods}?watch=true&fieldSelector=metadata.name%3D${name(0)}&resourceVersion=0`;
  const watches = await Promise.all(
    Array.from({ length: watchers }, (_, n) =>
      countingWatch(sessions[n % sessions.length] as ClientHttp2Session, path),
    ),
  );
  const seen = () => watches.reduce((sum, watch) => sum + watch.events, 0);
  await until('the watches to start', () => seen() >= watchers);
  const before = seen();
  const began = performance.now();
  const [writer] = sessions;
  const { us } = await cpuOf(server.pid, async () => {
    await load([writer as ClientHttp2Session], updates, 8, (n) => patchStatus(0, 1_000_000 + n));
    await until('all events', () => seen() - before >= updates * watchers);
  });
  const events = updates * watchers;
  const perSecond = (events * 1000) / (performance.now() - began);
  add({
    what: `events to ${watchers} watchers on ${sessions.length} connections`,
    'per second': Math.round(perSecond),
    'p50 ms': '',
    'p99 ms': '',
    'server CPU µs each': (us / events).toFixed(1),
    'must / aim / Go': '90,000 / 150,000 / 45,000',
  });
  for (const watch of watches) watch.end();
}

async function run(server: Running): Promise<void> {
  const { pid, url } = server;
  const sessions = await Promise.all(
    Array.from({ length: 4 }, () => openSession(url, join(directory, 'pki'))),
  );
  const [one] = sessions as [ClientHttp2Session];
  await sleep(3000);
  remark(
    'memory idle',
    `${mb(memoryOf(pid).rss)} RSS, ${mb(memoryOf(pid).pss)} PSS`,
    '120 / 90 / 257 MB',
  );
  const few = Math.min(500, podCount / 10);
  await rate('create, 1 at a time', pid, 'p50 2.5 / 1.7 / 3.5', few, () =>
    load([one], few, 1, create),
  );
  const many = podCount - few;
  await rate('create, 32 at a time', pid, '1,200 / 2,000 / 897', many, () =>
    load(sessions, many, 32, (n) => create(few + n)),
  );
  await sleep(2000);
  remark(`memory with ${podCount} pods`, mb(memoryOf(pid).rss), '350 / 200 / 717 MB');
  const get = (n: number): Ask => ({ path: `${pods}/${name((n * 7919) % podCount)}` });
  await rate('get, 1 at a time', pid, 'p50 0.4 / 0.25 / 1.25', 3000, () =>
    load([one], 3000, 1, get),
  );
  await rate('get, 32 at a time', pid, '10,000 / 18,000 / 2,450', 30_000, () =>
    load(sessions, 30_000, 32, get),
  );
  const protobuf = { accept: 'application/vnd.kubernetes.protobuf' };
  const gzip = { 'accept-encoding': 'gzip' };
  await rate('get as protobuf, 32 at a time', pid, '', 10_000, () =>
    load(sessions, 10_000, 32, (n) => ({ ...get(n), headers: protobuf })),
  );
  await whole('list of 1,000', pid, '', one, { path: `${pods}?limit=1000` });
  await whole(`list of ${podCount}`, pid, '100 / 50 / 700', one, { path: pods });
  await whole('the same with gzip', pid, '100 / 50 / 560', one, { path: pods, headers: gzip });
  await whole('the same as protobuf', pid, '- / - / 336', one, { path: pods, headers: protobuf });
  await whole('streaming list', pid, '150 / 70 / 1,105', one, {
    path: `${pods}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
    until: 'initial-events-end',
  });
  const patch = (n: number): Ask => patchStatus(n % podCount, n);
  await rate('patch status, 1 at a time', pid, '', 500, () => load([one], 500, 1, patch));
  await rate('patch status, 32 at a time', pid, '1,200 / 2,200 / 524', podCount, () =>
    load(sessions, podCount, 32, patch),
  );
  const more = await Promise.all(
    Array.from({ length: 20 }, () => openSession(url, join(directory, 'pki'))),
  );
  await fanOut(server, more, 300);
  remark('memory after all', mb(memoryOf(pid).rss), '- / - / 1,121 MB');
  for (const session of [...sessions, ...more]) session.destroy();
}

const directory = mkdtempSync(join(tmpdir(), 'bayplan-bench-'));
await ensurePki({ dir: join(directory, 'pki'), nodeNames: ['n1'], hosts: [] });
const began = performance.now();
const etcd = await startEtcd({ dataDir: join(directory, 'etcd') });
calibrate();
try {
  const etcdMs = performance.now() - began;
  const server = await startServer(directory, etcd.endpoint);
  remark(
    'empty directory to ready (etcd, then server)',
    `${Math.round(etcdMs + server.readyMs)} ms`,
    '1,000 / 350 / 3,000 ms',
  );
  try {
    await run(server);
  } finally {
    server.child.kill('SIGTERM');
  }
} finally {
  await etcd.stop();
  rmSync(directory, { recursive: true, force: true });
}
calibrate();
printTable('API server', rows);
