/**
 * The node's images below `<dataDir>/images`: `blobs/` (content as it came), `layers/` (unpacked), `refs.json` (which images
 * there are). Only `refs.json` decides what exists: content comes before it and goes after it, so that a crash at any point
 * leaves at most content nobody refers to, which the next `openImages` removes.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveImage } from './archive-images.ts';
import { startReading } from './archive-source.ts';
import { BlobStore } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { Durability } from './durability.ts';
import { imageConfig } from './image-config.ts';
import { ImageTable, type StoredImage, type StoredLayer } from './image-table.ts';
import { ImageError, type Images, type LocalImage } from './images.ts';
import { LayerStore } from './layer-store.ts';
import { layersInUse } from './layers-in-use.ts';
import { type Found, findImage, localImage, newTag, withImage } from './lookup.ts';
import { resolveUser } from './user.ts';

export interface ImagesOptions {
  readonly dataDir: string;
  readonly log?: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** Opens (or makes) the store and removes what an interrupted run left. One process at a time may have it open. */
export async function openImages(options: ImagesOptions): Promise<Images> {
  const store = new ImageStore(options);
  await store.open();
  return store;
}

class ImageStore implements Images {
  readonly #incoming: string;
  readonly #root: string;
  readonly #blobs: BlobStore;
  readonly #layers: LayerStore;
  readonly #table: ImageTable;
  readonly #durability: Durability;
  readonly #log: ImagesOptions['log'];
  /** Changes of the table, and the removal of content, one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor({ dataDir, log }: ImagesOptions) {
    this.#root = join(dataDir, 'images');
    this.#incoming = join(this.#root, 'incoming');
    this.#blobs = new BlobStore(join(this.#root, 'blobs'));
    this.#layers = new LayerStore(join(this.#root, 'layers'));
    this.#table = new ImageTable(join(this.#root, 'refs.json'));
    this.#durability = new Durability(this.#root);
    this.#log = log;
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await rm(this.#incoming, { recursive: true, force: true });
    await mkdir(this.#incoming, { mode: 0o700 });
    await Promise.all([this.#blobs.open(), this.#layers.open(), this.#table.open()]);
    if (await this.#durability.wasInterrupted()) await this.#distrustContent();
    await this.#collect();
  }

  /**
   * The machine went down before all was on its disk: layers are unpacked anew when they are wanted, and images whose blobs
   * are damaged are given up.
   */
  async #distrustContent(): Promise<void> {
    await this.#layers.removeAllBut(new Set());
    const sound: StoredImage[] = [];
    for (const image of this.#table.all()) {
      const digests = [image.digest, image.id, ...image.layers.map(({ digest }) => digest)];
      if (await this.#blobs.areSound(digests)) sound.push(image);
      else
        this.#log?.warn('image lost when the machine went down; load it again', {
          tags: image.tags,
        });
    }
    await this.#table.replace(sound);
    await this.#durability.begin(); // of this boot: what is unpacked from here on is not doubted again
    this.#durability.secureSoon();
  }

  async find(reference: string): Promise<LocalImage | undefined> {
    const found = findImage(this.#table.all(), reference);
    return found && localImage(found.image);
  }

  async list(): Promise<readonly LocalImage[]> {
    return this.#table.all().map(localImage);
  }

  async load(archive: AsyncIterable<Buffer>): Promise<readonly LocalImage[]> {
    const source = startReading(archive);
    const scratch = await mkdtemp(join(this.#incoming, 'load-'));
    try {
      const [{ readArchive }, { readImages }] = await Promise.all([
        import('./archive-files.ts'),
        import('./archive-images.ts'),
      ]);
      const images = await readImages(await readArchive(source, scratch));
      await this.#durability.begin();
      return await this.#change(() => this.#keep(images));
    } finally {
      await rm(scratch, { recursive: true, force: true });
      this.#durability.secureSoon();
    }
  }

  async #keep(images: readonly ArchiveImage[]): Promise<readonly LocalImage[]> {
    try {
      const stored: StoredImage[] = [];
      for (const image of images) stored.push(await this.#keepContent(image));
      let all = this.#table.all();
      for (const image of stored) all = withImage(all, image);
      await this.#table.replace(all);
      const digests = new Set(stored.map(({ digest }) => digest));
      return all.filter(({ digest }) => digests.has(digest)).map(localImage);
    } catch (error) {
      await this.#collect();
      throw error;
    }
  }

  async #keepContent(image: ArchiveImage): Promise<StoredImage> {
    await this.#blobs.put(image.manifest);
    await this.#blobs.adopt(image.configFile.path, image.id);
    const layers: StoredLayer[] = [];
    for (const { file, digest, diffId, chainId } of image.layers) {
      await this.#blobs.adopt(file.path, digest);
      layers.push({ digest, diffId, chainId, sizeBytes: await this.#unpacked(image, chainId) });
    }
    const { created } = image.config;
    return {
      digest: image.digest,
      id: image.id,
      tags: image.tags,
      layers,
      ...(created ? { createdAt: created } : {}),
      config: imageConfig(image.config),
    };
  }

  async #unpacked(image: ArchiveImage, chainId: Digest): Promise<number> {
    const known = this.#table.all().flatMap(({ layers }) => layers);
    const there = known.find((layer) => layer.chainId === chainId);
    if (there !== undefined && (await this.#layers.has(chainId))) return there.sizeBytes;
    const layer = image.layers.find((candidate) => candidate.chainId === chainId);
    if (layer === undefined)
      throw new Error(`layer ${chainId} is not one of image ${image.digest}`);
    const { diffId, file, digest } = layer;
    return this.#layers.unpack({ chainId, diffId, file: file.path, fileDigest: digest });
  }

  async tag(reference: string, newReference: string): Promise<void> {
    const tag = newTag(newReference);
    await this.#change(async () => {
      const { image } = this.#required(reference);
      await this.#table.replace(withImage(this.#table.all(), { ...image, tags: [tag] }));
    });
  }

  async remove(reference: string): Promise<void> {
    await this.#change(async () => {
      const { image, tag } = this.#required(reference);
      const tags = tag === undefined ? [] : image.tags.filter((other) => other !== tag);
      const others = this.#table.all().filter((other) => other !== image);
      await this.#table.replace(tags.length === 0 ? others : [...others, { ...image, tags }]);
      await this.#collect();
    });
  }

  async layers(image: LocalImage): Promise<readonly string[]> {
    const { layers } = this.#requiredDigest(image.digest);
    for (const { chainId, diffId, digest } of layers) {
      if (await this.#layers.has(chainId)) continue;
      await this.#durability.begin();
      this.#durability.secureSoon();
      await this.#layers.unpack({ chainId, diffId, file: this.#blobs.path(digest) });
    }
    return layers.map(({ chainId }) => this.#layers.path(chainId));
  }

  async resolveUser(
    image: LocalImage,
    user: string,
  ): Promise<{ uid: number; gid: number; groups: number[]; home: string }> {
    return resolveUser(await this.layers(image), user);
  }

  #required(reference: string): Found {
    const found = findImage(this.#table.all(), reference);
    if (found !== undefined) return found;
    throw notFound(reference);
  }

  #requiredDigest(digest: string): StoredImage {
    const image = this.#table.all().find((candidate) => candidate.digest === digest);
    if (image !== undefined) return image;
    throw notFound(digest);
  }

  /** Removes content no image refers to. */
  async #collect(): Promise<void> {
    const images = this.#table.all();
    const layers = images.flatMap((image) => image.layers);
    await this.#layers.removeAllBut(new Set(layers.map(({ chainId }) => chainId)), layersInUse);
    const blobs = images.flatMap(({ digest, id }) => [digest, id]);
    await this.#blobs.removeAllBut(new Set([...blobs, ...layers.map(({ digest }) => digest)]));
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }
}

function notFound(reference: string): ImageError {
  return new ImageError(
    'NotFound',
    `find the image '${reference}': no such image on this node; load it or check the name`,
  );
}
