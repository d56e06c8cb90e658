/** What is done when the machine went down before all content was on its disk. */
import type { Content } from './content.ts';
import type { ImageTable, StoredImage } from './image-table.ts';
import type { ImagesOptions } from './node-images.ts';

/** Layers are unpacked anew when they are wanted, and images whose blobs are damaged are given up. */
export async function distrustContent(
  content: Content,
  table: ImageTable,
  log: ImagesOptions['log'],
): Promise<void> {
  await content.layers.removeAllBut(new Set());
  await content.layers.sweep();
  const sound: StoredImage[] = [];
  for (const image of table.all()) {
    const digests = [image.digest, image.id, ...image.layers.map(({ digest }) => digest)];
    if (await content.blobs.areSound(digests)) sound.push(image);
    else log?.warn('image lost when the machine went down; load it again', { tags: image.tags });
  }
  await table.replace(sound);
  await content.durability.begin(); // of this boot: what is unpacked from here on is not doubted again
  await content.durability.settle();
  content.durability.secureSoon();
}
