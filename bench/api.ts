/**
 * The API server as its clients see it, over TLS and HTTP/2, with validation, admission and managed fields, on an etcd that
 * syncs to disk: rates, latencies, CPU time of the server's process per operation, memory. A calibration loop beside them,
 * because machines differ and swing. `BENCH_PODS` sets how many pods the lists hold (10000).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { podBody, podName, statusPatch } from './api/pods.ts';
import { concurrently, Requester } from './api/requester.ts';
import { type Measured, startMeasured } from './api/server.ts';
import { fanOut } from './api/watchers.ts';
import { cpuUsOf, memoryOf, ms, percentile, printTable } from './measure.ts';

const podCount = Number(process.env['BENCH_PODS'] ?? 10_000);
const podsPath = '/api/v1/namespaces/default/pods';
const rows: Record<string, string | number>[] = [];

/** µs that this machine takes to parse the pod at this moment: compare figures of two runs by it. */
function calibrate(): number {
  const text = podBody(1);
  for (let n = 0; n < 2_000; n += 1) JSON.parse(text);
  const began = performance.now();
  for (let n = 0; n < 5_000; n += 1) JSON.parse(text);
  return ((performance.now() - began) * 1000) / 5_000;
}

/** One row: `count` operations, `width` at a time. */
async function row(
  server: Measured,
  what: string,
  { count, width }: { readonly count: number; readonly width: number },
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  const latencies: number[] = [];
  const before = { server: cpuUsOf(server.pid), etcd: cpuUsOf(server.etcdPid) };
  const began = performance.now();
  await concurrently(count, width, async (n) => {
    const sent = performance.now();
    await work(n);
    latencies.push(performance.now() - sent);
  });
  const seconds = (performance.now() - began) / 1000;
  rows.push({
    what,
    'per s': Math.round(count / seconds),
    p50: ms(percentile(latencies, 0.5)),
    p99: ms(percentile(latencies, 0.99)),
    'server CPU µs': Math.round((cpuUsOf(server.pid) - before.server) / count),
    'etcd CPU µs': Math.round((cpuUsOf(server.etcdPid) - before.etcd) / count),
    'parse of the pod µs': calibrate().toFixed(1),
  });
}

const json = { 'content-type': 'application/json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const gzip = { 'accept-encoding': 'gzip' };

async function furnish(requester: Requester): Promise<void> {
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default' } };
  await requester.send('POST', '/api/v1/namespaces/default/serviceaccounts', {
    body: JSON.stringify(account),
    headers: json,
  });
}

const create = (requester: Requester) => (n: number) =>
  requester.send('POST', podsPath, { body: podBody(n), headers: json });

const patch = (requester: Requester) => (n: number) =>
  requester.send('PATCH', `${podsPath}/${podName(n % podCount)}/status`, {
    body: statusPatch(n),
    headers: strategic,
  });

/** A streaming list: all objects as watch events, then the bookmark that says so. */
function streamingList(requester: Requester): Promise<void> {
  const query =
    'watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
  const end = Buffer.from('k8s.io/initial-events-end');
  return new Promise((resolve, reject) => {
    const stream = requester.open('GET', `${podsPath}?${query}`);
    let tail = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      const text = Buffer.concat([tail, chunk]);
      tail = text.subarray(-200);
      if (!text.includes(end)) return;
      stream.close();
      resolve();
    });
    stream.on('error', reject);
  });
}

async function memoryRow(server: Measured, what: string): Promise<Record<string, string>> {
  await sleep(12_000);
  const { rss, pss } = memoryOf(server.pid);
  const mb = (kib: number) => `${((kib * 1024) / 1e6).toFixed(0)} MB`;
  return { what, resident: mb(rss), proportional: mb(pss) };
}

const server = await startMeasured();
const requester = new Requester(server.url, server.pki, 4);
try {
  const memory = [await memoryRow(server, 'idle')];
  await furnish(requester);
  // Not counted: V8 compiles what is hot.
  await concurrently(2_000, 32, create(requester));
  await row(server, 'create a pod, 1 at a time', { count: 500, width: 1 }, (n) =>
    create(requester)(2_000 + n),
  );
  const left = podCount - 2_500;
  await row(server, 'create a pod, 32 at a time', { count: left, width: 32 }, (n) =>
    create(requester)(2_500 + n),
  );
  await concurrently(2_000, 32, patch(requester));
  const patches = { count: podCount, width: 32 };
  await row(server, 'patch a status, 32 at a time', patches, (n) => patch(requester)(2_000 + n));
  const get = (n: number) => requester.send('GET', `${podsPath}/${podName(n % podCount)}`);
  await concurrently(5_000, 32, get);
  await row(server, 'get a pod, 1 at a time', { count: 2_000, width: 1 }, get);
  await row(server, 'get a pod, 32 at a time', { count: 30_000, width: 32 }, get);
  const ten = { count: 20, width: 1 };
  await row(server, 'list 1,000 pods', ten, () => requester.send('GET', `${podsPath}?limit=1000`));
  await row(server, `list ${podCount} pods`, ten, () => requester.send('GET', podsPath));
  await row(server, `list ${podCount} pods, gzip`, ten, () =>
    requester.send('GET', podsPath, { headers: gzip }),
  );
  await row(server, `streaming list of ${podCount} pods`, ten, () => streamingList(requester));
  memory.push(await memoryRow(server, `with ${podCount} pods, after all this`));
  printTable('Requests', rows);
  printTable('Fan-out of changes', [await fanOut(server, requester)]);
  const restart = await server.restart();
  memory.push(await memoryRow(server, `with ${podCount} pods, started anew`));
  printTable('Memory of the server', memory);
  printTable('Start', [
    { what: 'empty directory → ready, etcd included', time: ms(server.readyMs) },
    { what: `server anew with ${podCount} pods → ready`, time: ms(restart) },
  ]);
} finally {
  requester.close();
  await server.close();
}
