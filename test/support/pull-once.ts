/** A process that pulls one image, telling its progress, until it is killed: the victim of crash.test.ts. */
import assert from 'node:assert';
import { openImages } from '#node-agent/image/image-store.ts';

const [, , dataDir, reference] = process.argv;
assert(dataDir && reference, 'needs a data directory and a reference');
const images = await openImages({ dataDir });
await images.pull(reference, {
  onProgress: ({ status, bytes }) => process.stdout.write(`${status} ${bytes}\n`),
});
process.stdout.write('pulled\n');
