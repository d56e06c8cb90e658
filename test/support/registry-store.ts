/** A store of images with little patience, and images to put into a registry. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openImages } from '#node-agent/image/image-store.ts';
import type { Images } from '#node-agent/image/images.ts';
import { layer } from './image-archives.ts';
import { tar } from './tar-builder.ts';

export interface StoreOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** What `registries.json` holds. */
  readonly settings?: object;
  /** How long silence is borne: large blobs keep a registry in the same process busy. */
  readonly idleMs?: number;
}

/** Retries come after milliseconds, silence is given up after 300 ms, and nothing of this machine's settings is read. */
export function impatientStore(
  dataDir: string,
  { env = {}, settings, idleMs = 300 }: StoreOptions = {},
): Promise<Images> {
  mkdirSync(dataDir, { recursive: true });
  if (settings !== undefined)
    writeFileSync(join(dataDir, 'registries.json'), JSON.stringify(settings));
  return openImages({
    dataDir,
    registry: {
      idleMs,
      retry: { tries: 3, baseMs: 1, maxMs: 4, longestAskedMs: 1000 },
      env: { DOCKER_CONFIG: join(dataDir, 'docker'), ...env },
    },
  });
}

/** A layer of so many bytes that do not compress. */
export const largeLayer = (bytes: number): Buffer =>
  tar([{ name: 'large', content: randomBytes(bytes) }]);

/** Two small layers. */
export const smallLayers = (): Buffer[] => [layer('lower', 'l'), layer('upper', 'u')];
