/** A process that loads one archive into a store of images. */
import assert from 'node:assert';
import { createReadStream } from 'node:fs';
import { openImages } from '#node-agent/image/image-store.ts';

const [, , dataDir, archive] = process.argv;
assert(dataDir && archive, 'needs a data directory and an archive');
const images = await openImages({ dataDir });
await images.load(createReadStream(archive));
