/**
 * How fast containers start and end, and what one costs, beside crun, runc, podman and docker where they are installed
 * (`apt-get install crun runc podman`): `node bench/runtime.ts [own]`; `own` leaves the others out.
 * "start" is from the call to the first instruction of the container's program. Ours has a network namespace with a veth,
 * an overlay, cgroups, seccomp and a log; crun and runc have no overlay, no veth, no seccomp and no log.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, Held } from './container-engine.ts';
import { percentile, printTable } from './measure.ts';
import { OwnEngine, type Started } from './own-engine.ts';
import { peerEngines } from './peer-engines.ts';

/** Idle time between starts when they are isolated: a node mostly starts one container now and then. */
const gapMs = 70;
type Row = Record<string, string>;

const figure = (values: readonly number[]): string =>
  `${percentile(values, 0.5).toFixed(2)} / ${percentile(values, 0.9).toFixed(2)}`;

/** In turns, so that what else the machine does meets all alike. */
async function isolated(
  engines: readonly Engine[],
  what: string,
  one: (of: Engine) => Promise<number>,
) {
  const times = new Map<Engine, number[]>(engines.map((engine) => [engine, []]));
  const most = Math.max(...engines.map(({ rounds }) => rounds));
  for (let round = 0; round < most; round++) {
    for (const engine of engines.filter(({ rounds }) => round < rounds)) {
      times.get(engine)?.push(await one(engine));
      await sleep(gapMs);
    }
  }
  return row(what, engines, (engine) => figure(times.get(engine) ?? []));
}

function row(what: string, engines: readonly Engine[], cell: (of: Engine) => string): Row {
  return { '': what, ...Object.fromEntries(engines.map((engine) => [engine.name, cell(engine)])) };
}

async function each(
  engines: readonly Engine[],
  what: string,
  cell: (of: Engine) => Promise<string>,
) {
  const cells = new Map<Engine, string>();
  for (const engine of engines) cells.set(engine, await cell(engine));
  return row(what, engines, (engine) => cells.get(engine) ?? '');
}

async function backToBack(engine: Engine): Promise<string> {
  const values: number[] = [];
  for (let round = 0; round < engine.rounds; round++) values.push((await engine.run()).first);
  return figure(values);
}

async function perSecond(engine: Engine, width: number): Promise<string> {
  const total = Math.max(width, engine.rounds) * 2;
  let left = total;
  const before = performance.now();
  const worker = async () => {
    while (left-- > 0) await engine.run();
  };
  await Promise.all(Array.from({ length: width }, worker));
  return ((total / (performance.now() - before)) * 1000).toFixed(1);
}

/** What is done to one container that runs. */
async function whileHeld(engine: Engine): Promise<Record<string, string>> {
  const values = {
    exec: [] as number[],
    burst: [] as number[],
    pause: [] as number[],
    kill: [] as number[],
  };
  let beside = 0;
  for (let round = 0; round < 3; round++) {
    const held = await engine.hold();
    const times = Math.ceil(engine.rounds / 3);
    for (let i = 0; i < times; i++) {
      values.exec.push(await held.exec());
      await sleep(gapMs);
    }
    for (let i = 0; i < times; i++) values.burst.push(await held.exec());
    for (let i = 0; i < 5; i++) {
      values.pause.push(await held.pause());
      await held.resume();
    }
    beside = held.beside();
    values.kill.push(await held.kill());
    await held.remove();
  }
  return {
    'exec, isolated, ms': figure(values.exec),
    'exec, back to back, ms': figure(values.burst),
    'pause, ms': figure(values.pause),
    'kill, until ended, ms': figure(values.kill),
    'private memory of who stays beside it, KiB': String(beside),
  };
}

/** KiB the kernel keeps for one container more, of the machine's account: other work blurs it. */
async function kernelMemory(engine: Engine): Promise<string> {
  const used = () => {
    const text = readFileSync('/proc/meminfo', 'utf8');
    const field = (name: string) =>
      Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return ['Slab', 'KernelStack', 'PageTables', 'Percpu'].reduce(
      (sum, name) => sum + field(name),
      0,
    );
  };
  const before = used();
  const held: Held[] = [];
  for (let i = 0; i < 12; i++) held.push(await engine.hold());
  const each = (used() - before) / held.length;
  for (const one of held) {
    await one.kill();
    await one.remove();
  }
  return each.toFixed(0);
}

async function logRate(engine: Engine): Promise<string> {
  return engine.logs === undefined ? 'no log' : (100_000 / (await engine.logs())).toFixed(0);
}

interface Series {
  readonly plain: Started[];
  readonly prepared: Started[];
  readonly pods: number[];
  readonly turns: number[];
}

async function seriesOf(engine: OwnEngine): Promise<Series> {
  const series: Series = { plain: [], prepared: [], pods: [], turns: [] };
  for (let round = 0; round < engine.rounds; round++) {
    series.plain.push(await engine.run());
    await sleep(gapMs);
    series.prepared.push(await engine.run(gapMs));
    await sleep(gapMs);
    series.pods.push(await engine.runPod());
    await sleep(gapMs);
    series.turns.push(await engine.turns());
    await sleep(gapMs);
  }
  return series;
}

async function ownRows(own: readonly OwnEngine[]): Promise<void> {
  const all = new Map<Engine, Series>();
  for (const engine of own) all.set(engine, await seriesOf(engine));
  const line = (what: string, values: (of: Series) => number[]) =>
    row(what, own, (engine) => {
      const series = all.get(engine);
      return series === undefined ? '' : figure(values(series));
    });
  printTable('Ours alone, isolated, p50 / p90', [
    line('start of a container that was prepared, ms', (s) => s.prepared.map((o) => o.first)),
    line('a pod from nothing: network, sandbox, start; ms', (s) => s.pods),
    line('start -> ended and removed, ms', (s) => s.plain.map((o) => o.whole)),
    line('event loop, until the call returns, us', (s) => s.plain.map((o) => o.callUs)),
    line('event loop, longest turn of a start, us', (s) => s.turns),
    line('event loop, busy until started, us', (s) => s.plain.map((o) => o.busyUs)),
    line('prepared: until the call returns, us', (s) => s.prepared.map((o) => o.callUs)),
    line('prepared: busy until started, us', (s) => s.prepared.map((o) => o.busyUs)),
  ]);
}

async function compare(engines: readonly Engine[]): Promise<void> {
  const rows = [
    await isolated(engines, 'start, isolated, ms', async (of) => (await of.run()).first),
    await each(engines, 'start, back to back, ms', backToBack),
    await each(engines, 'starts per second, 1 at a time', (of) => perSecond(of, 1)),
    await each(engines, '4 at a time', (of) => perSecond(of, 4)),
    await each(engines, '32 at a time', (of) => perSecond(of, 32)),
  ];
  const held = new Map<Engine, Record<string, string>>();
  for (const engine of engines) held.set(engine, await whileHeld(engine));
  const [first] = held.values();
  for (const what of Object.keys(first ?? {})) {
    rows.push(row(what, engines, (engine) => held.get(engine)?.[what] ?? ''));
  }
  rows.push(await each(engines, "kernel's memory for one more, KiB", kernelMemory));
  rows.push(await each(engines, '100 MB of lines through the log, MB/s', logRate));
  printTable('Containers, p50 / p90', rows);
}

// Who stops reading (`| head`) must not keep it from cleaning up.
process.stdout.on('error', () => undefined);
const open: Engine[] = [];
try {
  const disk = new OwnEngine('bayplan, disk', tmpdir(), 60);
  const memory = new OwnEngine('bayplan, tmpfs', '/dev/shm', 60);
  open.push(disk, memory);
  for (const engine of [disk, memory]) await engine.open();
  if (process.argv[2] !== 'own') open.push(...(await peerEngines(tmpdir())));
  await compare(open);
  await ownRows([disk, memory]);
} finally {
  for (const engine of open) await engine.close();
}
