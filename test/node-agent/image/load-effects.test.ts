/** What a load leaves on the machine: layers as the kernel wants them, and never half of anything. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { dockerArchive } from '../../support/image-archives.ts';
import { kept, loadEntries, namesIn, rootOf, storeIn } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { tar } from '../../support/tar-builder.ts';

needsRoot();
const directory = scratch('load-effects');

t.test('the kernel shows the layers as the archive means them', async (t) => {
  const { images } = await storeIn(directory());
  const lower = tar([
    { name: 'gone', content: 'x' },
    { name: 'kept', content: 'lower' },
    { name: 'opaque/old', content: 'x' },
    { name: 'dir/old', content: 'x' },
    { name: 'dir/stays', content: 'x' },
  ]);
  const upper = tar([
    { name: '.wh.gone' },
    { name: 'kept', content: 'upper' },
    { name: 'opaque/.wh..wh..opq' },
    { name: 'opaque/new', content: 'x' },
    { name: 'dir/.wh.old' },
  ]);
  const [image] = await loadEntries(
    images,
    dockerArchive([{ layers: [lower, upper], tags: ['o'] }]),
  );
  const layers = image ? await images.layers(image) : [];
  const merged = directory();
  const options = `lowerdir=${layers.toReversed().map(rootOf).join(':')}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]);
  try {
    t.strictSame(readdirSync(merged).sort(), ['dir', 'kept', 'opaque']);
    t.equal(readFileSync(join(merged, 'kept'), 'utf8'), 'upper');
    t.strictSame(readdirSync(join(merged, 'opaque')), ['new']);
    t.strictSame(readdirSync(join(merged, 'dir')), ['stays']);
  } finally {
    execFileSync('umount', [merged]);
  }
});

t.test('killed at any moment of a load, the store is whole at the next start', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 100000);
  t.comment(`SEED=${seed}`);
  const dataDir = directory();
  const script = new URL('../../support/load-for-ever.ts', import.meta.url).pathname;
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [script, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await delay((seed * (round + 3)) % 61); // the moment is what is varied, nothing is waited for
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;

    const { images } = await storeIn(dataDir);
    const list = await images.list();
    const layers = new Set((await Promise.all(list.map((image) => images.layers(image)))).flat());
    for (const path of layers) t.match(namesIn(path), ['etc']);
    t.equal(readdirSync(join(dataDir, 'images/layers')).length, layers.size);
    t.strictSame(readdirSync(join(dataDir, 'images/incoming')), []);
    for (const image of list) await images.remove(image.id);
    t.strictSame(kept(dataDir), []);
  }
});
