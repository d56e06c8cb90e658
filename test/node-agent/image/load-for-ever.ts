/** A process that loads and removes images until it is killed: the victim of load.test.ts. */
import { openImages } from '#node-agent/image/image-store.ts';
import { dockerArchive, layer, pieces } from '../../support/image-archives.ts';
import { tar } from '../../support/tar-builder.ts';

const images = await openImages({ dataDir: process.argv[2] ?? '' });
process.stdout.write('started\n');
for (let i = 0; ; i++) {
  const layers = [layer('etc/shared', 's'), layer('etc/own', String(i))];
  await images.load(pieces(tar(dockerArchive([{ layers, tags: [`n${i}`] }]))));
  if (i > 2) await images.remove(`n${i - 2}`);
}
