/** The way to the gatekeeper, who is loaded when he is wanted first: most clusters have no ImagePolicy. */
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import type { StoredImage } from '../image-table.ts';
import { findImage } from '../lookup.ts';
import type { Gatekeeper } from './gatekeeper.ts';

export interface GateOptions {
  /** The directory where is remembered which images were found to be good. */
  readonly root: string;
  /** The cluster's; absent: there are none. */
  readonly policies?: (() => Promise<readonly ImagePolicy[]>) | undefined;
  /** All images there are now. */
  readonly images: () => readonly StoredImage[];
}

export class Gate {
  readonly #options: GateOptions;
  #keeper: Promise<Gatekeeper> | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  keeper(): Promise<Gatekeeper> {
    this.#keeper ??= import('./gatekeeper.ts').then((module) =>
      module.Gatekeeper.open(this.#options),
    );
    return this.#keeper;
  }

  /** See `Images.isTrusted`. */
  async isTrusted(reference: string): Promise<boolean> {
    const policies = (await this.#options.policies?.()) ?? [];
    if (policies.length === 0) return true;
    const found = findImage(this.#options.images(), reference);
    return found === undefined || (await this.keeper()).lets(policies, reference, found);
  }
}
