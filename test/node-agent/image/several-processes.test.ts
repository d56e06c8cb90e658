/** One store, several processes: nobody takes away what another is using, and no change is lost. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import { BadRegistry } from '../../support/bad-registry.ts';
import { folder, loadTagged, namesIn } from '../../support/image-store.ts';
import { largeLayer, smallLayers } from '../../support/registry-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
t.setTimeout(180_000);
const directory = scratch('several-processes');
const program = new URL('../../support/store-part.ts', import.meta.url).pathname;
const all = { all: true, used: new Set<string>() };

type Part = ChildProcessByStdio<Writable, Readable, null>;

function part(dataDir: string, ...operation: string[]): Part {
  const child = spawn(process.execPath, [program, dataDir, ...operation], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

async function ended(child: Part): Promise<void> {
  child.stdin.end();
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  t.equal(code, 0);
}

t.test('loads, tags, removals and prunings of three processes at the same time', async (t) => {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  await loadTagged(images, ['stays:1']);
  const parts = ['a', 'b', 'c'].map((name) => part(dataDir, 'busy', name));
  await Promise.all(parts.map(ended));
  const expected = ['a', 'b', 'c'].flatMap((name) => [0, 2, 4].map((i) => `kept${name}-${i}:1`));
  const names = (await images.list()).flatMap(({ tags }) => tags).sort();
  t.strictSame(
    names,
    [...expected, 'stays:1'].map((name) => `docker.io/library/${name}`).sort(),
    'seen here without being told',
  );
  const there = new Set<string>();
  for (const image of await images.list()) {
    for (const path of await images.layers(image)) {
      there.add(path);
      t.ok(namesIn(path).length > 0, path);
    }
    const { blobs } = images.shelf().content;
    t.ok(await blobs.areSound([image.digest as never, image.id as never]));
  }
  await images.shelf().collect(); // what one of them had mounted when another removed it
  t.equal(folder(dataDir, 'layers').length, there.size, 'no layer of nobody');
  t.strictSame(folder(dataDir, 'incoming'), []);
  t.equal(folder(dataDir, 'sessions').length, 1, 'those that ended are gone');
  await images.close();
  t.strictSame(folder(dataDir, 'sessions'), []);
});

t.test('what a commit stands on is kept while it runs, and no longer', async (t) => {
  for (const end of ['goes on', 'is killed'] as const) {
    const dataDir = directory();
    const images = await openImages({ dataDir });
    const base = await loadTagged(images, ['base:1']);
    const layers = await images.layers(base);
    const child = part(dataDir, 'commit', 'base:1');
    await once(child.stdout, 'data');
    await images.prune(all);
    t.strictSame(await images.list(), [], 'nobody can begin anything new with it');
    t.ok(layers.every(existsSync), 'but it is there');
    t.equal(folder(dataDir, 'incoming').length, 1);
    const again = await openImages({ dataDir });
    t.equal(folder(dataDir, 'incoming').length, 1, 'also for one that opens the store now');
    await again.close();
    if (end === 'goes on') {
      await ended(child);
      const made = await images.find('made:1');
      t.equal((await images.layers(made as never)).length, 3);
      continue;
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    await images.prune(all);
    for (const name of ['layers', 'blobs/sha256']) t.strictSame(folder(dataDir, name), [], name);
    await images.close();
    await (await openImages({ dataDir })).close();
    for (const name of ['incoming', 'sessions']) t.strictSame(folder(dataDir, name), [], name);
  }
});

t.test('a pull of two processes fetches each blob once, and nothing of it is pruned', async (t) => {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const layers = [...smallLayers(), largeLayer(2_000_000)];
  registry.image('app', '1', { layers });
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let isHeld = false;
  registry.meet = (request, response, url) => {
    const isLarge =
      request.method === 'GET' &&
      (registry.blobs.get(url.split('/').at(-1) ?? '')?.length ?? 0) > 100_000;
    if (!isLarge || isHeld) return false;
    isHeld = true;
    asked.resolve();
    const bytes = registry.blobs.get(url.split('/').at(-1) ?? '') as Buffer;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 1000));
    void held.promise.then(() => response.end(bytes.subarray(1000)));
    return true;
  };
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const parts = [1, 2].map(() => part(dataDir, 'pull', `${registry.host}/app:1`));
  await asked.promise;
  await images.prune(all);
  held.resolve();
  await Promise.all(parts.map(ended));
  const [image] = await images.list();
  t.equal((await images.layers(image as never)).length, 3);
  const blobs = registry.seen.filter(({ method, url }) => method === 'GET' && /blobs/.test(url));
  t.equal(blobs.length, 4, 'configuration and layers, once each');
  t.strictSame(folder(dataDir, 'downloads'), []);
});

t.test('a mark of an earlier boot does not make a store doubted twice', async (t) => {
  const dataDir = directory();
  const first = await openImages({ dataDir });
  await loadTagged(first, ['a:1']);
  await first.close();
  const marks = () => folder(dataDir, '').filter((name) => name.startsWith('not-yet-on-disk'));
  t.equal(marks().length, 1, 'ended, but not yet on the disk');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(dataDir, 'images', marks()[0] ?? ''), 'an earlier boot');
  const second = await openImages({ dataDir });
  const image = await second.find('a:1');
  const [lowest = ''] = await second.layers(image as never);
  const { ino } = statSync(lowest);
  const third = await openImages({ dataDir });
  await third.layers(image as never);
  t.equal(statSync(lowest).ino, ino, 'what the second made is good');
  await Promise.all([second.close(), third.close()]);
});
