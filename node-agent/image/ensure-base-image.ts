/** The built-in image is there from the node's first start on. */

import { createReadStream } from 'node:fs';
// biome-ignore lint/correctness/useImportExtensions: it is plain JavaScript, typed by a .d.mts beside it
import { BASE_IMAGE } from './base-image.mjs';
import type { Images } from './images.ts';

/**
 * Loads the archive set-up made (see base-image.mjs) when the node has no image of that name.
 * @throws Error when the archive is missing or damaged
 */
export async function ensureBaseImage(images: Images, archivePath: string): Promise<void> {
  if ((await images.find(BASE_IMAGE)) !== undefined) return;
  await images.load(createReadStream(archivePath, { highWaterMark: 256 * 1024 }));
}
