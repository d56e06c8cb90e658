/**
 * What storage costs: prints a table. The etcd is a child of its own, on a Unix socket, with fsync.
 * `node bench/storage.ts [operations]`
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEtcd } from '#api/storage/etcd.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import type { Storage } from '#api/storage/storage.ts';
import { encodeStored } from '#api/storage/stored-object.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';
import { cpuUsOf } from './measure.ts';

const operations = Number(process.argv[2] ?? 6000);
const value = Buffer.from(JSON.stringify({ pad: 'x'.repeat(1490) }));
const rows: Record<string, Record<string, string | number>> = {};

function memoryOf(pid: number): string {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return `${Math.round(Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024)} MB`;
}

async function measure(name: string, count: number, run: () => Promise<void>): Promise<void> {
  const before = { own: process.cpuUsage(), etcd: cpuUsOf(etcd.pid), time: performance.now() };
  await run();
  const ms = performance.now() - before.time;
  const { user, system } = process.cpuUsage(before.own);
  rows[name] = {
    'per second': Math.round((count * 1000) / ms),
    'ms in all': Math.round(ms * 10) / 10,
    'own CPU µs': Math.round((user + system) / count),
    'etcd CPU µs': Math.round((cpuUsOf(etcd.pid) - before.etcd) / count),
  };
}

/** Runs `work` for 0 to count - 1, `width` at a time. */
async function concurrently(count: number, width: number, work: (n: number) => Promise<unknown>) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const key = (n: number) => `/bench/${String(n).padStart(6, '0')}`;

function podOf(n: number): Buffer {
  return encodeStored({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${n}`, namespace: 'default', uid: `uid-${n}`, labels: { app: 'a' } },
    spec: {
      containers: [{ name: 'a', image: 'b', env: [{ name: 'PAD', value: 'y'.repeat(4600) }] }],
    },
  });
}

async function keyValue(storage: Storage): Promise<void> {
  const create = (n: number) => storage.put(key(n), value, { expectedRevision: 0 });
  await concurrently(500, 16, (n) => storage.put(`/warm/${n}`, value, { expectedRevision: 0 }));
  const few = Math.ceil(operations / 10);
  await measure('create, 1 at a time', few, () => concurrently(few, 1, create));
  const many = operations - few;
  await measure('create, 64 at a time', many, () => concurrently(many, 64, (n) => create(few + n)));
  await measure('get, 1 at a time', few, () => concurrently(few, 1, (n) => storage.get(key(n))));
  await measure('get, 64 at a time', many, () =>
    concurrently(many, 64, (n) => storage.get(key(n))),
  );
  await measure(`range of ${operations} keys`, 1, async () => {
    await storage.range('/bench/');
  });
}

async function watchCache(storage: Storage): Promise<void> {
  const count = 10_000;
  const podKey = (n: number) => `/registry/pods/default/pod-${String(n).padStart(6, '0')}`;
  await concurrently(count, 64, (n) => storage.put(podKey(n), podOf(n), { expectedRevision: 0 }));
  let cache: WatchCache | undefined;
  await measure(`watch cache: fill, ${count} pods`, 1, async () => {
    cache = await WatchCache.start(storage, { prefix: '/registry/' });
  });
  if (cache === undefined) return;
  const filled = cache;
  await measure('watch cache: first list body', 1, async () => {
    filled.listBody('/registry/pods/');
  });
  await measure('watch cache: list body again', 1, async () => {
    filled.listBody('/registry/pods/');
  });
  let told = 0;
  filled.watch('/registry/pods/default/', filled.revision, (events) => {
    for (const event of events) told += Number(event.frame().length > 0);
  });
  await measure('update, 64 at a time, seen by the cache', operations, () =>
    concurrently(operations, 64, async (n) => {
      const expectedRevision = filled.get(podKey(n % count))?.revision ?? 0;
      const result = await storage.put(podKey(n % count), podOf(n), { expectedRevision });
      if (result.written) await filled.waitFor(result.revision);
    }),
  );
  rows['update, 64 at a time, seen by the cache'] = {
    ...rows['update, 64 at a time, seen by the cache'],
    note: `${told} events told`,
  };
  filled.close();
}

const directory = await mkdtemp(join(tmpdir(), 'bayplan-bench-'));
const started = performance.now();
const etcd = await startEtcd({ dataDir: directory });
try {
  const storage = await connectEtcd({ endpoints: [etcd.endpoint] });
  rows['etcd: cold start to first answer'] = {
    'ms in all': Math.round(performance.now() - started),
    note: memoryOf(etcd.pid),
  };
  await keyValue(storage);
  await watchCache(storage);
  rows['memory after all'] = { note: `etcd ${memoryOf(etcd.pid)}, own ${memoryOf(process.pid)}` };
  await storage.close();
} finally {
  await etcd.stop();
  await rm(directory, { recursive: true, force: true });
}
console.table(rows);
