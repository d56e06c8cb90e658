/** kill -9 in the middle of a pull: nothing half done is visible, and the next pull goes on where it was. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { LocalImage } from '#node-agent/image/images.ts';
import { BadRegistry } from '../../../support/bad-registry.ts';
import { layer } from '../../../support/image-archives.ts';
import { folder } from '../../../support/image-store.ts';
import { impatientStore, largeLayer } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
// Each death is a process of its own.
t.setTimeout(300_000);
const directory = scratch('registry-crash');
const script = new URL('../../../support/pull-once.ts', import.meta.url).pathname;
const MIB = 2 ** 20;

/** Pulls in a process of its own and kills it when a line of its progress is the one waited for. */
async function killedAt(
  dataDir: string,
  name: string,
  wanted: (line: string) => boolean,
): Promise<boolean> {
  const child = spawn(process.execPath, [script, dataDir, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (wanted(line)) child.kill('SIGKILL');
  }
  const [, signal] = await ended;
  return signal === 'SIGKILL';
}

async function rig(bytes = 8 * MIB) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const { layers } = registry.image('app', '1', {
    layers: [layer('first', '1'), largeLayer(bytes), layer('last', '2')],
  });
  const large = layers[1]?.digest ?? '';
  return { registry, large, name: `${registry.host}/app:1`, dataDir: directory() };
}

t.test('killed in mid blob, the rest alone is fetched by the next pull', async (t) => {
  const { registry, large, name, dataDir } = await rig();
  // The registry stops in the middle, so that the moment is certain.
  registry.meet = (_request, response, url) => {
    if (!url.endsWith(large)) return false;
    const bytes = registry.blobs.get(large) as Buffer;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 5 * MIB));
    return true;
  };
  t.ok(await killedAt(dataDir, name, (line) => line === `downloading ${5 * MIB}`));
  // Progress counts what came; what of it had reached the file when the process died is its own matter.
  const held = statSync(`${dataDir}/images/downloads/${large.slice(7)}`).size;
  t.ok(held > 0 && held <= 5 * MIB, `${held} bytes were kept`);
  const images = await impatientStore(dataDir);
  t.strictSame(await images.list(), []);
  t.strictSame(folder(dataDir, 'blobs/sha256'), []);
  t.strictSame(folder(dataDir, 'layers'), []);
  registry.meet = () => false;
  registry.seen.length = 0;
  t.strictSame((await images.pull(name)).tags, [name]);
  const blobs = registry.seen.filter(({ url }) => url.includes('/blobs/'));
  t.strictSame(
    blobs.map(({ url, headers }) => [url.slice(-71), headers.range]),
    [[large, `bytes=${held}-`]],
    'what was whole is not fetched again',
  );
  t.strictSame(folder(dataDir, 'downloads'), []);
});

t.test('killed at each step, the store is whole', { timeout: 120_000 }, async (t) => {
  const moments = ['waiting', 'unpacking', 'done'];
  for (const moment of moments) {
    for (const nth of [1, 3]) {
      const { name, dataDir } = await rig();
      let times = 0;
      const killed = await killedAt(
        dataDir,
        name,
        (line) => line.startsWith(moment) && ++times === nth,
      );
      const images = await impatientStore(dataDir);
      const there = await images.list();
      if (!killed || there.length > 0) t.equal(there.length, 1, `${moment} ${nth}: it was faster`);
      const image = await images.pull(name);
      t.equal((await images.layers(image)).length, 3);
      t.equal(folder(dataDir, 'layers').length, 3);
      t.equal(folder(dataDir, 'blobs/sha256').length, 5);
    }
  }
});

/** Pulls in a process that dies before its change number `dieAt` of the disk; how many it made when it did not die. */
async function diesAt(dataDir: string, name: string, dieAt: number): Promise<number | undefined> {
  const killer = new URL('../../../support/die-at.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', killer, script, dataDir, name], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DIE_AT: String(dieAt) },
  });
  const ended = once(child, 'exit');
  const told = await text(child.stderr);
  const [code, signal] = await ended;
  if (signal === 'SIGKILL') return undefined;
  t.equal(code, 0, told);
  return Number(/changes (\d+)/.exec(told)?.[1]);
}

t.test(
  'killed before a change of the disk, whichever: nothing half done, the next pull ends well',
  { timeout: 180_000 },
  async (t) => {
    const { name, dataDir } = await rig(20_000);
    const changes = (await diesAt(dataDir, name, -1)) ?? 0;
    t.ok(changes > 10, `${changes} changes`);
    // Each start of a process costs; all of them with EVERY=1.
    const stride = process.env['EVERY'] === undefined ? Math.ceil(changes / 8) : 1;
    for (let dieAt = 0; dieAt < changes; dieAt += stride) {
      const { name, dataDir } = await rig(20_000);
      const survived = await diesAt(dataDir, name, dieAt);
      const images = await impatientStore(dataDir);
      const there = await images.list();
      if (survived === undefined) {
        for (const image of there)
          t.equal((await images.layers(image)).length, 3, 'all or nothing');
        if (there.length === 0)
          t.strictSame(folder(dataDir, 'layers'), [], `${dieAt} leaves no layer`);
      }
      const image = await images.pull(name);
      t.equal((await images.layers(image)).length, 3);
      t.equal(folder(dataDir, 'layers').length, 3, `killed before change ${dieAt} of ${changes}`);
      t.equal(folder(dataDir, 'blobs/sha256').length, 5);
      t.strictSame(folder(dataDir, 'incoming'), []);
    }
  },
);

t.test('a download that was damaged on disk is begun anew', async (t) => {
  const { registry, large, name, dataDir } = await rig();
  mkdirSync(`${dataDir}/images/downloads`, { recursive: true });
  writeFileSync(`${dataDir}/images/downloads/${large.slice(7)}`, Buffer.alloc(MIB));
  await (await impatientStore(dataDir)).pull(name);
  t.equal(registry.count('GET', new RegExp(large)), 2);
});

t.test(
  'killed while another process waits for the same blob: that one goes on with it',
  async (t) => {
    const { registry, large, name, dataDir } = await rig();
    let isFirst = true;
    registry.meet = (_request, response, url) => {
      if (!url.endsWith(large) || !isFirst) return false;
      isFirst = false;
      const bytes = registry.blobs.get(large) as Buffer;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 5 * MIB));
      return true;
    };
    const images = await impatientStore(dataDir, { idleMs: 10_000 });
    let other: Promise<LocalImage> | undefined;
    const killed = await killedAt(dataDir, name, (line) => {
      if (line !== `downloading ${5 * MIB}`) return false;
      other = images.pull(name);
      return true;
    });
    t.ok(killed);
    t.strictSame((await other)?.tags, [name]);
    const asked = registry.seen.filter(({ url }) => url.endsWith(large));
    t.match(asked.at(-1)?.headers.range, /^bytes=[1-9]\d*-$/, 'only the rest is fetched');
    t.equal(asked.length, 2);
    // What the other had half done goes at the next start.
    const whole = folder(dataDir, 'layers').filter((entry) => !entry.startsWith('unpacking-'));
    t.equal(whole.length, 3);
    t.strictSame(folder(dataDir, 'downloads'), []);
  },
);
