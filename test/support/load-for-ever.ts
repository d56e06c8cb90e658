/** A process that loads and removes images until it is killed: the victim of load-effects.test.ts. */
import assert from 'node:assert';
import { openImages } from '#node-agent/image/image-store.ts';
import { dockerArchive, layer, pieces } from './image-archives.ts';
import { tar } from './tar-builder.ts';

const [, , dataDir] = process.argv;
assert(dataDir, 'needs a data directory');
const images = await openImages({ dataDir });
process.stdout.write('started\n');
for (let i = 0; ; i++) {
  const layers = [layer('etc/shared', 's'), layer('etc/own', String(i))];
  await images.load(pieces(tar(dockerArchive([{ layers, tags: [`n${i}`] }]))));
  if (i > 2) await images.remove(`n${i - 2}`);
}
