/**
 * Images and the pod network: loading and unpacking (MB/s of unpacked content), pulling a large image from a local registry
 * beside podman, containerd and skopeo, the built-in image at a first start,
 * attaching and detaching pods, and how long the event loop was held meanwhile. Needs root.
 * `node bench/images.ts registry` runs that part alone; the others are load, first-start, network.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeBaseImage } from '#node-agent/image/base-image.mjs';
import { openImages } from '#node-agent/image/image-store.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { missingPrograms, skopeo, startRegistry } from '../test/support/docker-registry.ts';
import { dockerArchive } from '../test/support/image-archives.ts';
import { type TarEntry, tar } from '../test/support/tar-builder.ts';
import { type Engine, engines } from './image-peers.ts';
import { type LargeImage, makeLargeImage } from './large-image.ts';
import { ms, percentile, printTable } from './measure.ts';

const directory = mkdtempSync('/var/tmp/bayplan-bench-images-');
const FILES = 4000;

/** About 200 MB in files of 0 to 100 KB that compress to a third or so, as programs do. */
function layerTar(): Buffer {
  const words = Array.from({ length: 2048 }, () => randomBytes(6).toString('hex'));
  const page = Array.from({ length: 20000 }, (_, i) => words[(i * 7919 + (i >> 3)) % 2048]).join(
    ' ',
  );
  const entries: TarEntry[] = [];
  for (let i = 0; i < FILES; i++) {
    if (i % 20 === 0) entries.push({ name: `d${i / 20}/`, type: '5', mode: 0o755 });
    const start = (i * 37) % 100000;
    const content = page.slice(start, start + ((i * 7919) % 100000));
    entries.push({ name: `d${Math.floor(i / 20)}/f${i}`, content, uid: i % 3 });
  }
  return tar(entries);
}

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ took: number; longest: number; result: T }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const result = await work();
  const took = performance.now() - started;
  delay.disable();
  return { took, longest: delay.percentile(99.9) / 1e6, result };
}

async function benchLoad(): Promise<void> {
  const layer = layerTar();
  const rows = [];
  const forms = {
    plain: (bytes: Buffer) => bytes,
    gzip: (b: Buffer) => gzipSync(b, { level: 4 }),
    zstd: (b: Buffer) => zstdCompressSync(b),
  };
  for (const [form, compress] of Object.entries(forms)) {
    const archive = join(directory, `${form}.tar`);
    writeFileSync(archive, tar(dockerArchive([{ layers: [layer], tags: [form], compress }])));
    const images = await openImages({ dataDir: join(directory, form) });
    const { took, longest, result } = await timed(() =>
      images.load(createReadStream(archive, { highWaterMark: 1 << 18 })),
    );
    const [image] = result;
    const megabytes = (image?.sizeBytes ?? 0) / 1e6;
    rmSync(image === undefined ? directory : ((await images.layers(image))[0] ?? ''), {
      recursive: true,
    });
    const again = await timed(async () => image && images.layers(image));
    rows.push({
      layer: form,
      files: FILES,
      MB: megabytes.toFixed(0),
      load: ms(took),
      'load MB/s': ((megabytes / took) * 1000).toFixed(0),
      'unpack MB/s': ((megabytes / again.took) * 1000).toFixed(0),
      'event loop p99.9': ms(Math.max(longest, again.longest)),
    });
  }
  printTable('Load an image of one layer', rows);
}

const ROUNDS = 3;

async function median(
  work: () => Promise<unknown>,
  before: () => Promise<unknown>,
): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await before();
    took.push((await timed(work)).took);
  }
  return percentile(took, 0.5);
}

/** A whole Debian from Debian's docker-registry on this machine, by us and by whoever else is installed, in one run. */
async function benchRegistry(): Promise<void> {
  const missing = missingPrograms();
  if (missing !== undefined) return void console.log(`registry: not measured, ${missing}`);
  const registry = await startRegistry(directory);
  const all = await engines(directory);
  try {
    const name = `${registry.host}/bench/debian:1`;
    const image = await makeLargeImage(directory, name);
    const source = await openImages({ dataDir: join(directory, 'source') });
    await source.load(createReadStream(image.archive));
    const push = await timed(() => source.push(name));
    console.log(`push of ${(image.gzipBytes / 1e6).toFixed(0)} MB: ${ms(push.took)}`);
    const to = `oci:${join(directory, 'skopeo')}:app`;
    const copy = ['copy', '--quiet', '--src-tls-verify=false', `docker://${name}`, to];
    console.log(
      `skopeo copy, which unpacks nothing: ${ms((await timed(() => skopeo(...copy))).took)}`,
    );
    const rows = [];
    for (const engine of all) rows.push(await engineRow(engine, image, name));
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
    const size = `${megabytes(image.gzipBytes)} MB, unpacked ${megabytes(image.tarBytes)} MB`;
    printTable(`An image of ${size} in 3 layers; medians of ${ROUNDS}`, rows);
  } finally {
    for (const engine of all) await engine.close();
    await registry.stop();
  }
}

async function engineRow(engine: Engine, image: LargeImage, name: string) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const reset = () => engine.reset();
  delay.enable();
  const pull = await median(() => engine.pull(name), reset);
  delay.disable();
  const again = await median(
    () => engine.pull(name),
    async () => undefined,
  );
  const load = await median(() => engine.load(image.archive), reset);
  const file = join(directory, 'saved.tar');
  const { save } = engine;
  const saved =
    save &&
    (await median(
      () => save(name, file),
      async () => rmSync(file, { force: true }),
    ));
  const { unpack, forgetUnpacked } = engine;
  const unpacked =
    unpack &&
    (await median(
      () => unpack(name),
      async () => forgetUnpacked?.(name),
    ));
  const rate = (took: number) => (image.tarBytes / 1e3 / took).toFixed(0);
  return {
    engine: engine.name,
    pull: ms(pull),
    'pull MB/s': rate(pull),
    'pull again': ms(again),
    load: ms(load),
    'load MB/s': rate(load),
    'unpack alone MB/s': unpacked === undefined ? '-' : rate(unpacked),
    save: saved === undefined ? '-' : ms(saved),
    'our event loop p99.9': engine.name === 'bayplan' ? ms(delay.percentile(99.9) / 1e6) : '-',
  };
}

async function benchFirstStart(): Promise<void> {
  const archive = join(directory, 'base.tar');
  const made = await timed(() => makeBaseImage(archive));
  const opened = await timed(() => openImages({ dataDir: join(directory, 'first') }));
  const loaded = await timed(() => opened.result.load(createReadStream(archive)));
  const reopened = await timed(() => openImages({ dataDir: join(directory, 'first') }));
  printTable('The built-in image', [
    {
      make: ms(made.took),
      'open empty store': ms(opened.took),
      load: ms(loaded.took),
      reopen: ms(reopened.took),
    },
  ]);
}

async function benchNetwork(): Promise<void> {
  const suffix = process.pid.toString(36);
  const network = createPodNetwork({
    runDir: join(directory, 'run'),
    podCidr: '10.202.0.0/23',
    bridge: `bpb${suffix}`,
    clusterName: `bench${suffix}`,
  });
  const started = await timed(() => network.start());
  try {
    await network.attach('warm');
    const attach = [];
    const detach = [];
    for (let i = 0; i < 50; i++) {
      await sleep(150);
      attach.push((await timed(() => network.attach(`pod${i}`))).took);
    }
    for (let i = 0; i < 50; i++) detach.push((await timed(() => network.detach(`pod${i}`))).took);
    const burst = await timed(() =>
      Promise.all(Array.from({ length: 50 }, (_, i) => network.attach(`burst${i}`))),
    );
    printTable('The pod network', [
      {
        start: ms(started.took),
        'attach p50': ms(percentile(attach, 0.5)),
        'attach p90': ms(percentile(attach, 0.9)),
        'detach p50': ms(percentile(detach, 0.5)),
        '50 at once': ms(burst.took),
      },
    ]);
  } finally {
    await network.destroy();
  }
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  load: benchLoad,
  registry: benchRegistry,
  'first-start': benchFirstStart,
  network: benchNetwork,
};
const asked = process.argv.slice(2);
try {
  for (const [name, bench] of Object.entries(parts)) {
    if (asked.length === 0 || asked.includes(name)) await bench();
  }
} finally {
  rmSync(directory, { recursive: true });
}
