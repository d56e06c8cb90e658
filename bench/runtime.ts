/**
 * How fast containers start, and what one costs: `node bench/runtime.ts [rounds]`.
 * "start" is from the call to the first instruction of the container's program, with namespaces, overlay, cgroups and log.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type { ContainerRuntime, ContainerSpec } from '#node-agent/container/runtime.ts';

const rounds = Number(process.argv[2] ?? 100);
const gapMs = 60;
const newId = () => randomBytes(32).toString('hex');

interface Bench {
  /** Layers, writable layers, logs. */
  readonly directory: string;
  /** On tmpfs, as /run is. */
  readonly runDir: string;
  readonly layer: string;
  readonly runtime: ContainerRuntime;
  readonly sandbox: string;
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(2);
}

function row(name: string, values: readonly number[], unit: string): void {
  const figures = [0.5, 0.9, 0.99].map((share) => quantile(values, share).padStart(9)).join('');
  process.stdout.write(`${name.padEnd(52)}${figures}  ${unit}\n`);
}

async function open(place: string): Promise<Bench> {
  const directory = mkdtempSync(`${place}/bench-runtime-`);
  const runDir = mkdtempSync('/dev/shm/bench-run-');
  const layer = `${directory}/layer`;
  for (const name of ['bin', 'proc', 'sys', 'dev'])
    mkdirSync(`${layer}/${name}`, { recursive: true });
  const source = new URL('./monotonic-stamp.c', import.meta.url).pathname;
  execFileSync('gcc', ['-O2', '-static', '-o', `${layer}/bin/stamp`, source]);
  copyFileSync('/bin/busybox', `${layer}/bin/sleep`);
  const runtime = createRuntime({
    dataDir: `${directory}/data`,
    runDir,
    cgroupRoot: `/bayplan-bench-${process.pid}`,
  });
  await runtime.adopt();
  const sandbox = newId();
  await runtime.createSandbox({
    id: sandbox,
    hostname: 'bench',
    hostIpc: false,
    hostPid: false,
    cgroupPath: `/bayplan-bench-${process.pid}/besteffort/pod1`,
    resources: {},
    labels: {},
  });
  return { directory, runDir, layer, runtime, sandbox };
}

function spec(bench: Bench, args: readonly string[]): ContainerSpec {
  const id = newId();
  return {
    id,
    sandboxId: bench.sandbox,
    layers: [bench.layer],
    layerDir: `${bench.directory}/l${id.slice(0, 12)}`,
    readonlyRootfs: false,
    args,
    env: ['PATH=/bin'],
    cwd: '/',
    user: { uid: 0, gid: 0, groups: [] },
    mounts: [],
    privileged: false,
    noNewPrivileges: false,
    tty: false,
    stdin: false,
    stdinOnce: false,
    resources: { cpu: { shares: 100 }, memory: { limit: 1 << 28 }, pids: { limit: 1000 } },
    oomScoreAdj: 0,
    cgroupName: id.slice(0, 12),
    logPath: `${bench.directory}/${id.slice(0, 12)}.log`,
    labels: {},
  };
}

const stampOf = (text: string): bigint => BigInt(text.trim().split(' ').at(-1) ?? 0);
const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e6;

async function ended(bench: Bench, id: string): Promise<void> {
  while (bench.runtime.get(id)?.state.phase !== 'exited') await new Promise(setImmediate);
}

async function starts(bench: Bench, gap: number, what: string): Promise<void> {
  const start: number[] = [];
  const call: number[] = [];
  const whole: number[] = [];
  const loop: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = spec(bench, ['stamp']);
    const before = process.hrtime.bigint();
    const busy = performance.eventLoopUtilization();
    const promise = bench.runtime.start(order);
    call.push(milliseconds(process.hrtime.bigint() - before) * 1000);
    await promise;
    loop.push(performance.eventLoopUtilization(busy).active * 1000);
    await ended(bench, order.id);
    start.push(milliseconds(stampOf(readFileSync(order.logPath, 'utf8')) - before));
    await bench.runtime.remove(order.id);
    whole.push(milliseconds(process.hrtime.bigint() - before));
    await bench.runtime.removeLayer(order.layerDir);
    if (gap > 0) await sleep(gap);
  }
  row(`${what}: start -> first instruction`, start, 'ms');
  row(`${what}: start -> removed`, whole, 'ms');
  row(`${what}: event loop, call until it returns`, call, 'us');
  row(`${what}: event loop, busy until started`, loop, 'us');
}

async function execs(bench: Bench, gap: number, what: string): Promise<void> {
  const order = spec(bench, ['sleep', '1000']);
  await bench.runtime.start(order);
  const first: number[] = [];
  const result: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.hrtime.bigint();
    const session = await bench.runtime.exec(order.id, {
      args: ['stamp'],
      tty: false,
      stdin: false,
    });
    let text = '';
    for await (const chunk of session.stdout) text += String(chunk);
    await session.exitCode;
    result.push(milliseconds(process.hrtime.bigint() - before));
    first.push(milliseconds(stampOf(text) - before));
    if (gap > 0) await sleep(gap);
  }
  row(`${what}: exec -> first instruction`, first, 'ms');
  row(`${what}: exec -> exit code`, result, 'ms');
  await bench.runtime.kill(order.id);
  await ended(bench, order.id);
  await bench.runtime.remove(order.id);
}

function memoryOf(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Of two, since the pages of their program are shared from the second on. */
async function memory(bench: Bench): Promise<void> {
  const orders = [spec(bench, ['sleep', '1000']), spec(bench, ['sleep', '1000'])];
  for (const order of orders) await bench.runtime.start(order);
  const state = JSON.parse(readFileSync(`${bench.runDir}/c/${orders[0]?.id}/state`, 'utf8'));
  for (const field of ['Rss', 'Pss', 'Private_Dirty']) {
    row(`supervisor memory, ${field}`, [memoryOf(state.supervisor, field)], 'KiB');
  }
  for (const { id } of orders) {
    await bench.runtime.kill(id);
    await ended(bench, id);
    await bench.runtime.remove(id);
  }
}

async function throughput(bench: Bench, width: number): Promise<void> {
  const total = rounds * 2;
  let left = total;
  const before = performance.now();
  const one = async () => {
    while (left-- > 0) {
      const order = spec(bench, ['stamp']);
      await bench.runtime.start(order);
      await ended(bench, order.id);
      await bench.runtime.remove(order.id);
      await bench.runtime.removeLayer(order.layerDir);
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  row(
    `starts per second, ${width} at a time`,
    [(total / (performance.now() - before)) * 1000],
    '/s',
  );
}

/** Takes down what is left, also after a failure in the middle. */
async function close({ runtime, sandbox, directory, runDir }: Bench): Promise<void> {
  await runtime.removeSandbox(sandbox);
  runtime.close();
  for (const path of [directory, runDir]) rmSync(path, { recursive: true, force: true });
}

async function benchAt(place: string, label: string): Promise<void> {
  const bench = await open(place);
  try {
    await starts(bench, 0, `${label}, back to back`);
    await starts(bench, gapMs, `${label}, isolated`);
    await execs(bench, 0, `${label}, back to back`);
    await execs(bench, gapMs, `${label}, isolated`);
    await memory(bench);
    for (const width of [1, 4]) await throughput(bench, width);
  } finally {
    await close(bench);
  }
}

// Who stops reading (`| head`) must not keep it from cleaning up.
process.stdout.on('error', () => undefined);
process.stdout.write(`${''.padEnd(52)}      p50      p90      p99\n`);
await benchAt(tmpdir(), 'disk');
await benchAt('/dev/shm', 'tmpfs');
