/**
 * One of several processes that work with the same store: `store-part.ts DIR OPERATION…`. Says `ready` when it is in the middle
 * of what it holds something for, goes on when its standard input ends.
 */
import assert from 'node:assert';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { composeImage } from '#node-agent/image/compose.ts';
import { digestOf } from '#node-agent/image/digest.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { layer } from './image-archives.ts';
import { loadTagged } from './image-store.ts';

const [, , dataDir, operation = '', argument = ''] = process.argv;
assert(dataDir, 'needs a data directory');
const images = await openImages({ dataDir });

async function told(): Promise<void> {
  process.stdout.write('ready\n');
  for await (const _ of process.stdin);
}

/** Every kind of change, again and again; `n…` goes, `kept…` stays. */
async function busy(): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await loadTagged(images, [`n${argument}-${i}:1`], `content ${i}`);
    await images.tag(`n${argument}-${i}:1`, `kept${argument}-${i}:1`);
    await images.remove(`n${argument}-${i}:1`);
    const image = await images.find(`kept${argument}-${i}:1`);
    assert(image, 'it was tagged just now');
    await images.layers(image);
    if (i % 2 === 1) await images.remove(`kept${argument}-${i}:1`);
    await images.prune({ all: false, used: new Set() });
  }
}

const operations: Readonly<Record<string, () => Promise<unknown>>> = {
  busy,
  pull: () => images.pull(argument),
  commit: () =>
    composeImage(images.shelf(), { base: argument, tags: ['made:1'] }, async ({ scratch }) => {
      const bytes = layer('made', 'made here');
      const file = join(scratch, 'layer');
      await writeFile(file, bytes);
      const digest = digestOf(bytes);
      await told();
      const made = { file, digest, tarDigest: digest, sizeBytes: bytes.byteLength };
      return { layer: made, createdBy: 'test', config: (config) => config };
    }),
};
const work = operations[operation];
assert(work, `no operation ${operation}`);
await work();
await images.close();
