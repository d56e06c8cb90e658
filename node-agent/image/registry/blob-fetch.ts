/** The blobs of one pull: three at once, lowest layers first; from the store, from an earlier pull, or from a registry. */

import { closeSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf } from '../digest.ts';
import type { TransferProgress } from '../images.ts';
import * as oci from '../oci.ts';
import { lockFile } from '../session.ts';
import { type BlobSource, downloadBlob } from './download.ts';
import { foreignSources } from './foreign.ts';
import { RegistryProblem } from './problem.ts';
import type { Pull } from './pull.ts';
import type { Repository } from './repository.ts';
import type { Settings } from './settings.ts';

const AT_ONCE = 3;

/** What a layer must become. */
export interface LayerIds {
  readonly diffId: Digest;
  readonly chainId: Digest;
}

export class BlobFetch {
  readonly #pull: Pull;
  readonly #settings: Settings;
  readonly #repositories: readonly Repository[];
  /** Where each blob is, once it is whole. */
  readonly #places = new Map<Digest, Promise<string>>();
  readonly #layers = new Set<Digest>();
  readonly #stopped = new AbortController();
  readonly #signal: AbortSignal;

  /** `repositories`: the first is asked first. */
  constructor(pull: Pull, settings: Settings, repositories: readonly Repository[]) {
    this.#pull = pull;
    this.#settings = settings;
    this.#repositories = repositories;
    const { signal } = pull.options;
    const own = this.#stopped.signal;
    this.#signal = signal === undefined ? own : AbortSignal.any([signal, own]);
  }

  /** Fetches all; a failure of one stops the others. */
  async layers(layers: readonly oci.Descriptor[]): Promise<void> {
    for (const { digest, size } of layers) {
      this.#layers.add(digest);
      this.#tell(digest, 'waiting', 0, size);
    }
    const waiting = layers.values();
    const lane = async () => {
      for (const layer of waiting) await this.#place(layer);
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    } catch (error) {
      this.#stopped.abort(error);
      throw error;
    }
  }

  /** The image's configuration, decoded. */
  async config(descriptor: oci.Descriptor): Promise<oci.Config> {
    const bytes = await readFile(await this.#place(descriptor));
    return oci.decodeJson(oci.Config, bytes, `configuration ${descriptor.digest}`);
  }

  /** Unpacks a layer when it is there; resolves with the sum of its files' sizes. Call lowest first. */
  async unpacked(layer: oci.Descriptor, { diffId, chainId }: LayerIds): Promise<number> {
    const { digest, size } = layer;
    const file = await this.#place(layer);
    this.#signal.throwIfAborted();
    this.#tell(digest, 'unpacking', size, size);
    const { content, images } = this.#pull.shelf;
    const source = { chainId, diffId, file };
    const sizeBytes = await content.unpacked(images(), source);
    this.#tell(digest, 'done', size, size);
    return sizeBytes;
  }

  /** Gives what was downloaded its place in the store. The pull must hold the blobs. */
  async shelve(descriptors: readonly oci.Descriptor[]): Promise<void> {
    const { content } = this.#pull.shelf;
    for (const digest of new Set(descriptors.map((descriptor) => descriptor.digest))) {
      const path = this.#downloadPath(digest);
      if (!(await content.blobs.has(digest))) await content.blobs.adopt(path, digest);
    }
  }

  /** Removes downloads that have their place, once nobody may be unpacking them by their first name. */
  async tidy(descriptors: readonly oci.Descriptor[]): Promise<void> {
    const { content } = this.#pull.shelf;
    const held = await content.held();
    for (const { digest } of descriptors) {
      const isDone = !held.has(digest) && (await content.blobs.has(digest));
      if (isDone) await rm(this.#downloadPath(digest), { force: true });
    }
  }

  /** Nothing goes on behind the back of who called. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled(this.#places.values());
  }

  #downloadPath(digest: Digest): string {
    return join(this.#pull.shelf.content.downloads, hexOf(digest));
  }

  #place(descriptor: oci.Descriptor): Promise<string> {
    let place = this.#places.get(descriptor.digest);
    if (place === undefined) {
      place = this.#fetch(descriptor);
      place.catch(() => undefined); // whoever asked meets it
      this.#places.set(descriptor.digest, place);
    }
    return place;
  }

  async #fetch(descriptor: oci.Descriptor): Promise<string> {
    const { digest, size } = descriptor;
    const { blobs } = this.#pull.shelf.content;
    if (await blobs.has(digest)) {
      this.#tell(digest, 'present', size, size);
      return blobs.path(digest);
    }
    const path = this.#downloadPath(digest);
    const { downloads, parts } = this.#pull.registry;
    const passenger = {
      signal: this.#signal,
      onBytes: (bytes: number) => this.#tell(digest, 'downloading', bytes, size),
    };
    const { reference, registry } = this.#pull;
    const sources = [
      ...((await registry.peers?.blobSources(reference, digest)) ?? []),
      ...this.#repositories.map((repository) => registrySource(repository, digest)),
      ...foreignSources(this.#pull, this.#settings, descriptor),
    ];
    await downloads.join(digest, passenger, async (signal, onBytes) => {
      const lock = await lockFile(path, signal); // another process may be at it
      try {
        // A pull that ended since has put it in its place.
        if (await blobs.has(digest)) return;
        await downloadBlob({ digest, size, path, sources, retry: parts.retry, signal, onBytes });
      } finally {
        closeSync(lock);
      }
    });
    return (await blobs.has(digest)) ? blobs.path(digest) : path;
  }

  /** The configuration is not told of: it is no layer, and small. */
  #tell(layer: Digest, status: TransferProgress['status'], bytes: number, total: number): void {
    if (this.#layers.has(layer)) {
      this.#pull.options.onProgress?.({ layer, status, bytes, total });
    }
  }
}

function registrySource(repository: Repository, digest: Digest): BlobSource {
  const to = `blobs/${digest}`;
  const name = `GET ${repository.endpoint.origin}/v2/${repository.endpoint.path}/${to}`;
  return {
    name,
    get: async (offset, signal) => {
      const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
      const answer = await repository.ask({
        method: 'GET',
        to,
        headers: { 'accept-encoding': 'identity', ...headers },
        good: [200, 206, 416],
        signal,
      });
      const encoding = answer.headers['content-encoding'];
      if (encoding === undefined || encoding === 'identity') return answer;
      answer.body.destroy();
      throw new RegistryProblem(
        'refused',
        `${name}: sends it in the encoding ${encoding}, unasked`,
      );
    },
  };
}
