/**
 * The node's images below `<dataDir>/images`: `blobs/` (content as it came), `layers/` (unpacked), `refs.json` (which images
 * there are). Only `refs.json` decides what exists: content comes before it and goes after it, so that a crash at any point
 * leaves at most content nobody refers to, which the next `openImages` removes.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveImage } from './archive-images.ts';
import { startReading } from './archive-source.ts';
import { Content } from './content.ts';
import { distrustContent } from './distrust.ts';
import { ImageTable, type StoredImage } from './image-table.ts';
import type { LocalImage, TransferOptions } from './images.ts';
import { keepArchiveImage } from './keep-archive.ts';
import { type Found, findImage, localImage, newTag, noSuchImage, withImage } from './lookup.ts';
import type { ImagesOptions, NodeImages, Pruned } from './node-images.ts';
import { SharedContent } from './peers/shared-content.ts';
import type { Registry } from './registry/registry.ts';
import type { Shelf } from './registry/shelf.ts';
import { Gate } from './signature/gate.ts';
import { type ImageUsage, imageUsage, isPrunable, type PruneOptions } from './usage.ts';
import { resolveUser } from './user.ts';

/** Opens (or makes) the store and removes what an interrupted run left. One process at a time may have it open. */
export async function openImages(options: ImagesOptions): Promise<NodeImages> {
  const store = new ImageStore(options);
  await store.open();
  return store;
}

class ImageStore implements NodeImages {
  readonly shared: SharedContent;
  readonly #root: string;
  readonly #content: Content;
  readonly #table: ImageTable;
  readonly #options: ImagesOptions;
  readonly #gate: Gate;
  #registry: Promise<Registry> | undefined;
  /** Changes of the table, and the removal of content, one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: ImagesOptions) {
    this.#root = join(options.dataDir, 'images');
    this.#content = new Content(this.#root);
    this.#table = new ImageTable(join(this.#root, 'refs.json'));
    this.#options = options;
    this.shared = new SharedContent(() => this.#table.all(), this.#content.blobs);
    this.#gate = new Gate({ root: this.#root, images: () => this.#table.all(), ...options });
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    await Promise.all([this.#content.open(), this.#table.open()]);
    if (await this.#content.durability.wasInterrupted())
      await distrustContent(this.#content, this.#table, this.#options.log);
    await this.#collect();
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
    const scratch = await mkdtemp(join(this.#content.incoming, 'load-'));
    try {
      const [{ readArchive }, { readImages }] = await Promise.all([
        import('./archive-files.ts'),
        import('./archive-images.ts'),
      ]);
      const images = await readImages(await readArchive(source, scratch));
      await this.#content.durability.begin();
      return await this.#change(() => this.#keep(images));
    } finally {
      await rm(scratch, { recursive: true, force: true });
      this.#content.durability.secureSoon();
    }
  }

  async #keep(images: readonly ArchiveImage[]): Promise<readonly LocalImage[]> {
    try {
      const stored: StoredImage[] = [];
      for (const image of images) {
        stored.push(await keepArchiveImage(this.#content, this.#table.all(), image));
      }
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

  async pull(reference: string, options: TransferOptions = {}): Promise<LocalImage> {
    const [{ pullImage }, registry] = await Promise.all([
      import('./registry/pull.ts'),
      this.#connect(),
    ]);
    return pullImage(registry, this.shelf(), reference, options);
  }

  async push(reference: string, options: TransferOptions = {}): Promise<{ digest: string }> {
    const { image } = this.#required(reference);
    const [{ pushImage }, registry] = await Promise.all([
      import('./registry/push.ts'),
      this.#connect(),
    ]);
    return pushImage(registry, this.shelf(), { image, text: reference, options });
  }

  isTrusted(reference: string): Promise<boolean> {
    return this.#gate.isTrusted(reference);
  }

  /** Loaded when it is wanted first: a node that pulls nothing does not pay for it. */
  #connect(): Promise<Registry> {
    const { dataDir, registry, peers } = this.#options;
    this.#registry ??= Promise.all([import('./registry/registry.ts'), this.#gate.keeper()]).then(
      ([module, trust]) =>
        new module.Registry({ ...registry, dataDir, trust, ...(peers && { peers }) }),
    );
    return this.#registry;
  }

  shelf(): Shelf {
    return {
      content: this.#content,
      images: () => this.#table.all(),
      hold: async (digests) => {
        const release = this.#content.hold(digests);
        await this.#changing;
        return release;
      },
      keep: (image) => this.#change(() => this.#replace(image)),
      rename: (digest, names) =>
        this.#change(async () => {
          const image = this.#table.all().find((each) => each.digest === digest);
          return image && this.#replace({ ...image, ...names });
        }),
    };
  }

  async #replace(image: StoredImage): Promise<LocalImage> {
    await this.#table.replace(withImage(this.#table.all(), image));
    return localImage(this.#requiredDigest(image.digest));
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

  async usage(used: ReadonlySet<string>): Promise<ImageUsage> {
    return imageUsage(this.#table.all(), used);
  }

  async prune(options: PruneOptions): Promise<Pruned> {
    const before = imageUsage(this.#table.all(), new Set()).sizeBytes;
    const gone = await this.discard((images) => images.filter((each) => isPrunable(each, options)));
    return {
      untagged: gone.flatMap(({ tags }) => tags),
      deleted: gone.map(({ id }) => id),
      reclaimedBytes: before - imageUsage(this.#table.all(), new Set()).sizeBytes,
    };
  }

  discard(
    choose: (images: readonly StoredImage[]) => readonly StoredImage[],
  ): Promise<readonly StoredImage[]> {
    return this.#change(async () => {
      const gone = choose(this.#table.all());
      if (gone.length === 0) return gone;
      await this.#table.replace(this.#table.all().filter((image) => !gone.includes(image)));
      await this.#collect();
      return gone;
    });
  }

  async layers(image: LocalImage): Promise<readonly string[]> {
    const { layers } = this.#requiredDigest(image.digest);
    for (const { chainId, diffId, digest } of layers) {
      if (await this.#content.layers.has(chainId)) continue;
      await this.#content.durability.begin();
      this.#content.durability.secureSoon();
      await this.#content.layers.unpack({
        chainId,
        diffId,
        file: this.#content.blobs.path(digest),
      });
    }
    return layers.map(({ chainId }) => this.#content.layers.path(chainId));
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
    throw noSuchImage(reference);
  }

  #requiredDigest(digest: string): StoredImage {
    const image = this.#table.all().find((candidate) => candidate.digest === digest);
    if (image !== undefined) return image;
    throw noSuchImage(digest);
  }

  /** Removes content no image refers to. */
  #collect(): Promise<void> {
    return this.#content.collect(this.#table.all());
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }
}
