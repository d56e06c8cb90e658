/**
 * The node's images below `<dataDir>/images`: `blobs/` (content as it came), `layers/` (unpacked), `refs.json` (which images
 * there are), `sessions/` (who works with them). Only `refs.json` decides what exists: content comes before it and goes after
 * it, so that a crash at any point leaves at most content nobody refers to, which the next `openImages` removes.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startReading } from './archive-source.ts';
import { Content } from './content.ts';
import { distrustContent } from './distrust.ts';
import { ImageTable, type StoredImage } from './image-table.ts';
import type { LocalImage, RegistryCredentials, TransferOptions } from './images.ts';
import { type Found, findImage, localImage, newTag, noSuchImage, withImage } from './lookup.ts';
import type { ImagesOptions, NodeImages, Pruned } from './node-images.ts';
import { SharedContent } from './peers/shared-content.ts';
import type { Registry } from './registry/registry.ts';
import type { SearchHit, SearchOptions } from './registry/search.ts';
import type { Shelf } from './registry/shelf.ts';
import { Gate } from './signature/gate.ts';
import { type Removed, removal, unguarded } from './untag.ts';
import { type ImageUsage, imageUsage, isPrunable, type PruneOptions } from './usage.ts';
import { resolveUser } from './user.ts';

/** Opens (or makes) the store and removes what interrupted runs left. Several processes may have it open. */
export async function openImages(options: ImagesOptions): Promise<NodeImages> {
  await mkdir(join(options.dataDir, 'images'), { recursive: true, mode: 0o700 });
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
  /** Changes of the table, and the removal of content, one after the other: of this process here, of all by the session's lock. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: ImagesOptions) {
    this.#root = join(options.dataDir, 'images');
    this.#content = new Content(this.#root, options.layers);
    this.#table = new ImageTable(join(this.#root, 'refs.json'));
    this.#options = options;
    this.shared = new SharedContent(() => this.#table.all(), this.#content.blobs);
    this.#gate = new Gate({ root: this.#root, images: () => this.#table.all(), ...options });
  }

  async open(): Promise<void> {
    const { durability } = this.#content;
    try {
      await this.#change(async () => {
        this.#table.all(); // what cannot be understood is told now
        await this.#content.open();
        if (await durability.wasInterrupted())
          await distrustContent(this.#content, this.#table, this.#options.log);
      });
      await this.#collect();
    } catch (error) {
      this.#content.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#changing;
    this.#content.close();
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
    const { loadArchive } = await import('./load-archive.ts');
    return loadArchive(this.shelf(), source);
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
        const release = await this.#content.hold(digests);
        await this.#change(async () => undefined);
        return release;
      },
      keep: async (image) => (await this.#keep([image]))[0] as LocalImage,
      keepAll: (images) => this.#keep(images),
      collect: () => this.#collect(),
      rename: async (digest, names) => {
        const image = this.#table.all().find((each) => each.digest === digest);
        return image && (await this.#keep([{ ...image, ...names }], digest))[0];
      },
    };
  }

  /** Those with `known` only if it is still there. */
  #keep(images: readonly StoredImage[], known?: string): Promise<readonly LocalImage[]> {
    return this.#change(async () => {
      let all = this.#table.all();
      if (known !== undefined && !all.some(({ digest }) => digest === known)) return [];
      for (const image of images) all = withImage(all, image);
      await this.#table.replace(all);
      const digests = new Set(images.map(({ digest }) => digest));
      return all.filter(({ digest }) => digests.has(digest)).map(localImage);
    });
  }

  async tag(reference: string, newReference: string): Promise<void> {
    const tag = newTag(newReference);
    await this.#change(async () => {
      const { image } = this.#required(reference);
      await this.#table.replace(withImage(this.#table.all(), { ...image, tags: [tag] }));
    });
  }

  remove(reference: string, options = unguarded): Promise<Removed> {
    return this.#removing(async () => {
      const gone = removal(this.#table.all(), this.#required(reference), options);
      await this.#table.replace(gone.images);
      return { untagged: gone.untagged, deleted: gone.deleted };
    });
  }

  search = async (term: string, options: SearchOptions): Promise<readonly SearchHit[]> =>
    (await import('./registry/search.ts')).searchImages(await this.#connect(), term, options);

  checkLogin = async (server: string, login: RegistryCredentials): Promise<void> =>
    (await import('./registry/check-login.ts')).checkLogin(await this.#connect(), server, login);

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
    return this.#removing(async () => {
      const all = this.#table.all();
      const gone = choose(all);
      if (gone.length > 0) await this.#table.replace(all.filter((image) => !gone.includes(image)));
      return gone;
    });
  }

  async layers(image: LocalImage): Promise<readonly string[]> {
    const { layers } = this.#requiredDigest(image.digest);
    return this.#content.paths(layers);
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

  /** Removes content no image refers to and nobody holds. */
  #collect(): Promise<void> {
    return this.#removing(async () => undefined);
  }

  /** A change that leaves content to remove: taken away with it, and removed when others may go on. */
  async #removing<T>(change: () => Promise<T>): Promise<T> {
    const changed = await this.#change(async () => {
      const result = await change();
      await this.#content.collect(this.#table.all());
      return result;
    });
    await this.#content.layers.sweep();
    return changed;
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(() => this.#content.session.locked(change));
    this.#changing = changed.catch(() => {});
    return changed;
  }
}
