/**
 * `bay oci run` beside crun and runc, where they are installed: `node bench/oci.ts [rounds]`. Each runs the same bundle,
 * from the call of the program to its end; then each operation of ours alone.
 */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, printTable } from './measure.ts';

const rounds = Number(process.argv[2] ?? 30);
const gapMs = 50;
const home = new URL('../', import.meta.url).pathname;
const directory = mkdtempSync(`${tmpdir()}/bench-oci-`);
const bundle = `${directory}/bundle`;

function makeBundle(args: readonly string[]): void {
  for (const name of ['bin', 'proc', 'sys', 'dev'])
    mkdirSync(`${bundle}/rootfs/${name}`, { recursive: true });
  copyFileSync('/bin/busybox', `${bundle}/rootfs/bin/busybox`);
  rmSync(`${bundle}/config.json`, { force: true });
  spawnSync(`${home}bay`, ['oci', 'spec', '-b', bundle], { stdio: 'inherit' });
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
  const changed = {
    ...config,
    ociVersion: '1.0.2', // old runtimes refuse newer ones
    process: { ...config.process, terminal: false, args },
  };
  writeFileSync(`${bundle}/config.json`, JSON.stringify(changed));
}

/** @throws Error with what the program said */
function timed(program: readonly string[], words: readonly string[]): number {
  const [name = '', ...first] = program;
  const started = performance.now();
  // To a file: a container in the background keeps it open.
  const errors = openSync(`${directory}/errors`, 'w');
  const { status } = spawnSync(name, [...first, ...words], { stdio: ['ignore', 'ignore', errors] });
  const took = performance.now() - started;
  closeSync(errors);
  if (status !== 0) {
    const said = readFileSync(`${directory}/errors`, 'utf8');
    throw new Error(`${program.join(' ')} ${words.join(' ')}: ${said}`);
  }
  return took;
}

const figures = (values: readonly number[]) => ({
  p50: percentile(values, 0.5).toFixed(1),
  p90: percentile(values, 0.9).toFixed(1),
  p99: percentile(values, 0.99).toFixed(1),
});

const runtimes: Readonly<Record<string, readonly string[]>> = {
  'bay oci': [`${home}bay`, 'oci', '--root', `${directory}/bay`],
  crun: ['/usr/bin/crun', '--root', `${directory}/crun`],
  runc: ['/usr/sbin/runc', '--root', `${directory}/runc`],
};

async function wholeRuns() {
  makeBundle(['/bin/busybox', 'true']);
  const found = Object.entries(runtimes).filter(([, [program = '']]) => existsSync(program));
  const times = new Map<string, number[]>(found.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, program] of found) {
      times.get(name)?.push(timed(program, ['run', '--bundle', bundle, `bench-${round}`]));
      await sleep(gapMs);
    }
  }
  return [...times].map(([name, values]) => ({ 'run, ms': name, ...figures(values) }));
}

/** Of one container after the other. */
function operations(id: string): readonly (readonly string[])[] {
  return [
    ['create', '--bundle', bundle, id],
    ['start', id],
    ['state', id],
    ['exec', id, '/bin/busybox', 'true'],
    ['kill', id, 'KILL'],
    ['delete', '--force', id],
  ];
}

async function eachOperation() {
  makeBundle(['/bin/busybox', 'sleep', '1000']);
  const program = runtimes['bay oci'] ?? [];
  const times = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const words of operations(`each-${round}`)) {
      const [name = ''] = words;
      times.set(name, [...(times.get(name) ?? []), timed(program, words)]);
      await sleep(gapMs);
    }
  }
  return [...times].map(([name, values]) => ({ 'bay oci, ms': name, ...figures(values) }));
}

try {
  printTable('A bundle from call to end', await wholeRuns());
  printTable('Each operation', await eachOperation());
} finally {
  rmSync(directory, { recursive: true, force: true });
}
