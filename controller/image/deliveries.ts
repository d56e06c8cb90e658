/** The work of an Image's transfers: what is done on a node, with which login, and what its document learns of it. */
import { images, secrets } from '#api/resources/resource-types.ts';
import type { Secret } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { timestamp } from '#controller/runtime/clock.ts';
import type { World } from '#controller/runtime/world.ts';
import { loginFor } from './login.ts';
import type { Login, NodeImages } from './node-images.ts';
import type { Named } from './plan.ts';
import type { Transfers } from './transfers.ts';
import type { Image } from './types.ts';

export class Deliveries {
  readonly #world: World;
  readonly #nodeImages: NodeImages;
  readonly #transfers: Transfers;
  readonly #images: Cache<Image>;

  constructor(world: World, nodeImages: NodeImages, transfers: Transfers) {
    this.#world = world;
    this.#nodeImages = nodeImages;
    this.#transfers = transfers;
    this.#images = world.cache<Image>(images);
  }

  /** Brings the content to a node. */
  fetch(image: Image, node: string, what: string): void {
    const { reference, url } = image.spec.source;
    this.#transfers.begin(image.metadata.name, node, what, async (options) => {
      if (reference !== undefined) {
        const login = await this.#login(image, reference, options.signal);
        await this.#nodeImages.pull(node, reference, { ...options, login });
      } else if (url !== undefined) {
        const [loaded] = await this.#nodeImages.loadFrom(node, url, options);
        if (loaded !== undefined) await this.#learn(image, loaded.digest, options.signal);
      }
    });
  }

  /** What an archive held is known only by its digest. */
  async #learn(image: Image, digest: string, signal: AbortSignal): Promise<void> {
    const { name, generation } = image.metadata;
    const status = { digest, observedGeneration: generation };
    const collection = this.#world.collection<Image>(images);
    this.#images.put(await collection.patchStatus({ name }, { status }, 'merge', signal));
  }

  /** Sends what a node holds to a registry. */
  push(image: Image, { node, source, name: target }: Named): void {
    const { name } = image.metadata;
    this.#transfers.begin(name, target, target, async (options) => {
      const login = await this.#login(image, target, options.signal);
      await this.#nodeImages.tag(node, source, target, options.signal);
      const { digest } = await this.#nodeImages.push(node, target, { ...options, login });
      await this.#tellPushed(name, { reference: target, digest, of: source }, options.signal);
    });
  }

  async #tellPushed(
    name: string,
    sent: { readonly reference: string; readonly digest: string; readonly of: string },
    signal: AbortSignal,
  ): Promise<void> {
    const image = this.#images.get(name);
    if (image === undefined) return;
    const { resourceVersion } = image.metadata;
    const others = (image.status?.pushed ?? []).filter(
      ({ reference }) => reference !== sent.reference,
    );
    const pushed = [...others, { ...sent, time: timestamp(this.#world.clock.now()) }];
    const patch = { metadata: { resourceVersion }, status: { pushed } };
    const collection = this.#world.collection<Image>(images);
    this.#images.put(await collection.patchStatus({ name }, patch, 'merge', signal));
  }

  async #login(
    { spec }: Image,
    reference: string,
    signal: AbortSignal,
  ): Promise<Login | undefined> {
    if (spec.pullSecret === undefined) return undefined;
    const secret = await this.#world.collection<Secret>(secrets).get(spec.pullSecret, signal);
    return loginFor(secret, reference);
  }
}
