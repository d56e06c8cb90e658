/** Changes told to many: 1,000 watchers on 20 connections, each told of every change of a pod. */
import type { ClientHttp2Stream } from 'node:http2';
import { cpuUsOf, ms, percentile } from '../measure.ts';
import { podName, statusPatch } from './pods.ts';
import { concurrently, Requester } from './requester.ts';
import type { Measured } from './server.ts';

const watchers = 1_000;
const connections = 20;
const changes = 1_000;
const podsPath = '/api/v1/namespaces/default/pods';
const lineFeed = 10;

function count(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) lines += 1;
  return lines;
}

const opened = (stream: ClientHttp2Stream): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.once('response', () => resolve());
    stream.once('error', reject);
  });

/** The row of the table: events told per second, CPU of the server per event, and how late an event comes at 20 changes per s. */
export async function fanOut(
  server: Measured,
  writer: Requester,
): Promise<Record<string, string | number>> {
  const reader = new Requester(server.url, server.pki, connections);
  const list = `${podsPath}?limit=1`;
  const version = await latest(writer, list);
  let told = 0;
  let done = () => {};
  let wanted = Number.POSITIVE_INFINITY;
  const streams = Array.from({ length: watchers }, () =>
    reader.open('GET', `${podsPath}?watch=true&resourceVersion=${version}`),
  );
  for (const stream of streams) {
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      told += count(chunk);
      if (told >= wanted) done();
    });
  }
  await Promise.all(streams.map(opened));
  const change = (n: number) =>
    writer.send('PATCH', `${podsPath}/${podName(n)}/status`, {
      body: statusPatch(1_000_000 + n),
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    });
  const reached = (total: number): Promise<void> => {
    wanted = total;
    return new Promise((resolve) => {
      done = resolve;
      if (told >= total) resolve();
    });
  };
  const cpu = cpuUsOf(server.pid);
  const began = performance.now();
  await Promise.all([concurrently(changes, 32, change), reached(watchers * changes)]);
  const seconds = (performance.now() - began) / 1000;
  const perEvent = (cpuUsOf(server.pid) - cpu) / told;
  const rate = Math.round(told / seconds);
  const late: number[] = [];
  for (let n = 0; n < 40; n += 1) {
    const sent = performance.now();
    const all = reached(told + watchers);
    await change(2_000 + n);
    await all;
    late.push(performance.now() - sent);
  }
  reader.close();
  return {
    what: `${watchers} watchers, ${connections} connections`,
    'events per s': rate,
    'server CPU µs per event': perEvent.toFixed(1),
    'one change → all told, p50': ms(percentile(late, 0.5)),
    p99: ms(percentile(late, 0.99)),
  };
}

async function latest(requester: Requester, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const stream = requester.open('GET', path);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      resolve(/"resourceVersion":"(\d+)"/.exec(text)?.[1] ?? '0');
    });
  });
}
