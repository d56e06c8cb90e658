/**
 * Docker's operations on files and images: commit and diff of 1,000 small changed files, 100 MB copied in and out, save, a pull of
 * what is here already; beside podman in the same run where it is installed. Needs root. Wall times, medians, and our own CPU.
 */
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { listChanges, streamTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images } from '#node-agent/image/images.ts';
import { saveImages } from '#node-agent/image/save.ts';
import { commit } from '#node-agent/operations/commit.ts';
import type { OperationsWorld, Place } from '#node-agent/operations/place.ts';
import { missingPrograms, startRegistry } from '../test/support/docker-registry.ts';
import { dockerArchive, layer, pieces } from '../test/support/image-archives.ts';
import { tar } from '../test/support/tar-builder.ts';
import { ms, percentile, printTable } from './measure.ts';

const directory = mkdtempSync('/var/tmp/bench-op-');
const files = 1000;
const copyBytes = 100_000_000;
const rounds = 7;
const name = 'bench.local/base:1';
const limits = { maxBytes: 2 ** 40, maxEntries: 1_000_000 };

interface Measured {
  readonly wall: number;
  readonly cpu: number;
}

/** `after`: takes away what `work` made, and does not count. */
async function measured<T>(
  work: () => Promise<T>,
  after: (made: T) => Promise<unknown> = async () => undefined,
): Promise<Measured> {
  const took: number[] = [];
  const cpus: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    const started = performance.now();
    const made = await work();
    took.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    cpus.push((user + system) / 1000);
    await after(made);
  }
  return { wall: percentile(took, 0.5), cpu: percentile(cpus, 0.5) };
}

const sink = (): Writable => new Writable({ write: (_piece, _encoding, done) => done() });

function changeFiles(root: string): void {
  for (let i = 0; i < files; i++) {
    if (i % 50 === 0) mkdirSync(join(root, `d${i / 50}`), { recursive: true });
    writeFileSync(join(root, `d${Math.floor(i / 50)}/f${i}`), `content of ${i}\n`.repeat(20));
  }
}

async function base(images: Images): Promise<string> {
  const archive = tar(dockerArchive([{ layers: [layer('etc/base', 'base')], tags: [name] }]));
  const file = join(directory, 'base.tar');
  writeFileSync(file, archive);
  await images.load(pieces(archive));
  return file;
}

type Row = Readonly<Record<string, Measured | undefined>>;

async function ours(images: Images): Promise<Row> {
  const image = await images.find(name);
  if (image === undefined) throw new Error('the base is not there');
  const lowers = (await images.layers(image)).toReversed();
  const [upper, work] = [join(directory, 'layer/upper'), join(directory, 'layer/work')];
  for (const path of [upper, work]) mkdirSync(path, { recursive: true });
  changeFiles(upper);
  const world = { images } as unknown as OperationsWorld;
  const place = { upper, work, lowers, mounts: [], image: image.digest } as unknown as Place;
  const committed = await measured(
    () => commit(world, place, { changes: [], config: (config) => config }),
    ({ image: made }) => images.remove(made.digest),
  );
  const diff = await measured(() => listChanges(upper, lowers));
  const big = join(directory, 'big');
  mkdirSync(big, { recursive: true });
  writeFileSync(join(big, 'file'), Buffer.alloc(copyBytes, 'x'));
  const out = await measured(async () => {
    const { stream, archived } = streamTree({ root: big });
    await pipeline(stream, sink());
    await archived;
  });
  const into = join(directory, 'into');
  mkdirSync(into);
  const inwards = await measured(async () => {
    const { stream, archived } = streamTree({ root: big });
    await extractInto({ ...limits, root: into, path: '' }, stream);
    await archived;
  });
  const save = await measured(async () => {
    const saved = await saveImages(images.shelf(), [name]);
    await pipeline(saved, createWriteStream(join(directory, 'saved.tar')));
  });
  return {
    commit: committed,
    diff,
    'cp out': out,
    'cp in': inwards,
    save,
    'pull again': await again(images),
  };
}

/** Of an image that its registry has as we have it. */
async function again(images: Images): Promise<Measured | undefined> {
  const missing = missingPrograms();
  if (missing !== undefined) return void console.log(`pull again: not measured, ${missing}`);
  const registry = await startRegistry(directory);
  try {
    const remote = `${registry.host}/bench/base:1`;
    await images.tag(name, remote);
    await images.push(remote);
    await images.pull(remote);
    return await measured(() => images.pull(remote));
  } finally {
    await registry.stop();
  }
}

async function podmans(archive: string): Promise<Row | undefined> {
  if (spawnSync('sh', ['-c', 'command -v podman']).status !== 0) {
    return void console.log('podman: not measured, not installed');
  }
  const place = join(directory, 'podman');
  const roots = ['--root', join(place, 'root'), '--runroot', join(place, 'run')];
  const call = (...args: string[]) => {
    const all = [...roots, '--storage-driver=overlay', ...args];
    const { status, stdout, stderr } = spawnSync('podman', all, {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`podman ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  try {
    call('load', '--quiet', '--input', archive);
    call('create', '--name', 'bench', name, '/none');
    changeFiles(call('mount', 'bench'));
    const big = join(directory, 'big/file');
    const commits = await measured(async () => call('commit', '--quiet', 'bench'));
    const diff = await measured(async () => call('diff', 'bench'));
    const inwards = await measured(async () => call('cp', big, 'bench:/big'));
    const out = await measured(async () => call('cp', 'bench:/big', join(directory, 'out')));
    const file = join(directory, 'podman.tar');
    const save = await measured(async () => {
      rmSync(file, { force: true });
      call('save', '--quiet', '--output', file, name);
    });
    return { commit: commits, diff, 'cp out': out, 'cp in': inwards, save };
  } finally {
    spawnSync('podman', [...roots, 'system', 'reset', '--force']);
  }
}

try {
  const images = await openImages({ dataDir: join(directory, 'store') });
  const archive = await base(images);
  const own = await ours(images);
  const theirs = await podmans(archive);
  const rows = Object.entries(own).map(([operation, value]) => ({
    operation,
    bayplan: value === undefined ? '-' : ms(value.wall),
    'our CPU': value === undefined ? '-' : ms(value.cpu),
    podman: theirs?.[operation] === undefined ? '-' : ms(theirs[operation]?.wall ?? Number.NaN),
  }));
  printTable(`${files} changed files, ${copyBytes / 1e6} MB copied; medians of ${rounds}`, rows);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
