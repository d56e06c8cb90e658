/**
 * Removes images nobody uses when the disk fills up, as kubelet does (pkg/kubelet/images/image_gc_manager.go): above the high
 * mark, the longest unused go first, down to the low mark. An image that came from no registry is never collected:
 * nobody could bring it again.
 */
import type { Log } from '#controller/runtime/log.ts';
import type { StoredImage } from './image-table.ts';

export interface CollectPolicy {
  /** Of the disk that holds the images. */
  readonly highPercent: number;
  readonly lowPercent: number;
  /** An image stays at least this long after it came. */
  readonly minAgeMs: number;
  /** Unused for longer than this it goes, however much room there is; absent: it does not. */
  readonly maxUnusedMs?: number;
}

/** kubelet's defaults. */
export const USUAL_POLICY: CollectPolicy = {
  highPercent: 85,
  lowPercent: 80,
  minAgeMs: 2 * 60_000,
};

const EVERY_MS = 60_000;

export interface CollectorOptions {
  readonly policy: CollectPolicy;
  /** The images there are, by which the store chooses; resolves with those that are gone. */
  readonly discard: (
    choose: (images: readonly StoredImage[]) => readonly StoredImage[],
  ) => Promise<readonly StoredImage[]>;
  /** Digests of what containers of this node, running or not, use. */
  readonly used: () => Promise<ReadonlySet<string>>;
  readonly diskPercent: () => Promise<number>;
  readonly now: () => number;
  readonly log: Log;
}

interface Seen {
  readonly firstAt: number;
  usedAt: number;
}

export class ImageCollector {
  readonly #options: CollectorOptions;
  readonly #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.run().catch((error: unknown) => {
        this.#options.log.warn('images not collected', { error });
      });
    }, EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks once, and removes what must go; resolves with the digests of what went. */
  async run(): Promise<readonly string[]> {
    const { policy, discard, used, diskPercent, log } = this.#options;
    const inUse = await used();
    await discard((images) => this.#look(images, inUse));
    const gone: string[] = [];
    for (const image of await discard((images) => this.#tooOld(images, inUse))) {
      gone.push(image.digest);
      log.info('image collected by its age', { tags: image.tags, digest: image.digest });
    }
    if ((await diskPercent()) < policy.highPercent) return gone;
    while ((await diskPercent()) > policy.lowPercent) {
      const [image] = await discard((images) => this.#oldest(images, inUse).slice(0, 1));
      if (image === undefined) break;
      gone.push(image.digest);
      log.info('image collected', { tags: image.tags, digest: image.digest });
    }
    if (gone.length === 0) log.warn('disk is filling up and no image can go', {});
    return gone;
  }

  /** Removes all that may go, whatever the marks say: the node is short of disk. */
  async runAll(): Promise<readonly string[]> {
    const { discard, used, log } = this.#options;
    const inUse = await used();
    await discard((images) => this.#look(images, inUse));
    const gone = await discard((images) => this.#oldest(images, inUse));
    for (const { tags, digest } of gone) log.info('image collected', { tags, digest });
    return gone.map(({ digest }) => digest);
  }

  /** Notes what is there and what is used; chooses nothing. */
  #look(images: readonly StoredImage[], inUse: ReadonlySet<string>): readonly StoredImage[] {
    const now = this.#options.now();
    const there = new Set<string>(images.map(({ digest }) => digest));
    for (const digest of this.#seen.keys()) if (!there.has(digest)) this.#seen.delete(digest);
    for (const digest of there) {
      const seen = this.#seen.get(digest) ?? { firstAt: now, usedAt: 0 };
      if (inUse.has(digest)) seen.usedAt = now;
      this.#seen.set(digest, seen);
    }
    return [];
  }

  /** What this agent has not seen in use for too long. */
  #tooOld(images: readonly StoredImage[], inUse: ReadonlySet<string>): readonly StoredImage[] {
    const { policy, now } = this.#options;
    if (policy.maxUnusedMs === undefined) return [];
    const since = now() - policy.maxUnusedMs;
    return this.#oldest(images, inUse).filter(({ digest }) => {
      const { firstAt = Number.POSITIVE_INFINITY, usedAt = 0 } = this.#seen.get(digest) ?? {};
      return Math.max(firstAt, usedAt) < since;
    });
  }

  /** What may go, the longest unused first. */
  #oldest(images: readonly StoredImage[], inUse: ReadonlySet<string>): readonly StoredImage[] {
    const { policy, now } = this.#options;
    const since = now() - policy.minAgeMs;
    const free = images.filter(({ digest, repoDigests = [] }) => {
      const firstAt = this.#seen.get(digest)?.firstAt ?? Number.POSITIVE_INFINITY;
      return repoDigests.length > 0 && !inUse.has(digest) && firstAt <= since;
    });
    const usedAt = ({ digest }: StoredImage) => this.#seen.get(digest)?.usedAt ?? 0;
    return free.sort((a, b) => usedAt(a) - usedAt(b));
  }
}
