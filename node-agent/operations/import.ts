/** `docker import`: a tar of a root file system, also compressed, becomes an image of one layer. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { badRequest } from '#api/resources/status.ts';
import { composeImage } from '../image/compose.ts';
import { decompressed } from '../image/decompress.ts';
import type { Images, LocalImage } from '../image/images.ts';
import { withInstructions } from '../image/instructions.ts';

/** @throws StatusError 400, ImageError `InvalidArchive` */
export function importImage(
  images: Images,
  archive: AsyncIterable<Buffer>,
  query: URLSearchParams,
): Promise<LocalImage> {
  const reference = query.get('reference');
  const config = instructed(query.getAll('changes'));
  return composeImage(
    images.shelf(),
    { tags: reference === null ? [] : [reference] },
    async ({ scratch }) => {
      const file = join(scratch, 'layer');
      const hash = createHash('sha256');
      let sizeBytes = 0;
      async function* counted(): AsyncGenerator<Buffer> {
        for await (const piece of decompressed(archive, 'the archive')) {
          hash.update(piece);
          sizeBytes += piece.byteLength;
          yield piece;
        }
      }
      await pipeline(counted, createWriteStream(file, { mode: 0o600 }));
      if (sizeBytes === 0) throw badRequest('import: the archive is empty');
      const digest = `sha256:${hash.digest('hex')}`;
      return {
        layer: { file, digest, tarDigest: digest, sizeBytes },
        comment: query.get('comment') ?? 'Imported from -',
        createdBy: 'bay import',
        created: new Date().toISOString(),
        config: () => config,
      };
    },
  );
}

function instructed(changes: readonly string[]): Record<string, unknown> {
  try {
    return withInstructions({}, changes);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}
