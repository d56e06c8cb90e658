/** A process that does one thing to a store of images: the victim of store-crash.test.ts. */
import assert from 'node:assert';
import { join } from 'node:path';
import { openImages } from '#node-agent/image/image-store.ts';
import { commit } from '#node-agent/operations/commit.ts';
import type { OperationsWorld, Place } from '#node-agent/operations/place.ts';
import { loadTagged } from './image-store.ts';

const [, , dataDir, operation = ''] = process.argv;
assert(dataDir, 'needs a data directory');
const images = await openImages({ dataDir });

const operations: Readonly<Record<string, () => Promise<unknown>>> = {
  open: async () => undefined,
  load: () => loadTagged(images, ['new:1'], 'new'),
  tag: () => images.tag('old:1', 'new:1'),
  remove: () => images.remove('old:1'),
  prune: () => images.prune({ all: true, used: new Set() }),
  unpack: async () => {
    const old = await images.find('old:1');
    assert(old);
    return images.layers(old);
  },
  commit: async () => {
    const old = await images.find('old:1');
    assert(old);
    const lowers = [...(await images.layers(old))].reverse();
    const upper = join(dataDir, 'upper');
    const place = { upper, lowers, image: 'old:1', mounts: [] } as unknown as Place;
    const world = { images } as unknown as OperationsWorld;
    return commit(world, place, { reference: 'new:1', changes: [], config: (same) => same });
  },
};
const work = operations[operation];
assert(work, `no operation ${operation}`);
await work();
