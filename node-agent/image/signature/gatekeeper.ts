/** Stands between images and the cluster's ImagePolicies: at each pull, and before each start of what is here already. */
import { join } from 'node:path';
import { type ImagePolicy, refusalByName } from '#api/resources/image-policy.ts';
import type { StoredImage } from '../image-table.ts';
import { ImageError } from '../images.ts';
import type { Found } from '../lookup.ts';
import { parseReference } from '../reference.ts';
import type { GateOptions } from './gate.ts';
import { Trust } from './trust.ts';
import { TrustRecord } from './trust-record.ts';

export class Gatekeeper {
  readonly #sources: GateOptions;
  readonly #record: TrustRecord;

  private constructor(sources: GateOptions, record: TrustRecord) {
    this.#sources = sources;
    this.#record = record;
  }

  static async open(sources: GateOptions): Promise<Gatekeeper> {
    const record = new TrustRecord(join(sources.root, 'trusted.json'), () =>
      digestsOf(sources.images()),
    );
    await record.open();
    return new Gatekeeper(sources, record);
  }

  /**
   * The demands on an image that is to be pulled, by its full name.
   * @throws ImageError `Untrusted` when its name alone is refused
   */
  async of(name: string): Promise<Trust> {
    const policies = (await this.#sources.policies?.()) ?? [];
    const why = refusalByName(policies, name);
    if (why !== undefined) throw new ImageError('Untrusted', why);
    return new Trust(policies, parseReference(name).repository, this.#record);
  }

  /** Whether an image that is here may be started by the name it was found by. */
  lets(policies: readonly ImagePolicy[], reference: string, { image, tag }: Found): boolean {
    const isNamed = tag !== undefined || reference.includes('@');
    // An ID says nothing of where the image is from: all its names count.
    const names = isNamed
      ? [reference.includes('@') ? reference : (tag as string)]
      : namesOf(image);
    return names.every((name) => {
      if (isNamed && refusalByName(policies, name) !== undefined) return false;
      return new Trust(policies, parseReference(name).repository, this.#record).knows(image.digest);
    });
  }
}

function namesOf({ tags, repoDigests = [] }: StoredImage): readonly string[] {
  return [...tags, ...repoDigests];
}

function digestsOf(images: readonly StoredImage[]): ReadonlySet<string> {
  return new Set(
    images.flatMap(({ digest, repoDigests = [] }) => [
      digest,
      ...repoDigests.map((name) => name.slice(name.indexOf('@') + 1)),
    ]),
  );
}
