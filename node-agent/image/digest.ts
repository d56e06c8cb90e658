/** Content addresses: `sha256:<64 lowercase hexadecimal digits>` (OCI image-spec, descriptor.md). */

import { createHash } from 'node:crypto';

export type Digest = `sha256:${string}`;

export function isDigest(text: string): text is Digest {
  return /^sha256:[a-f0-9]{64}$/.test(text);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The 64 digits. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** Identifies each layer together with all below it (OCI image-spec, config.md, "Layer ChainID"), lowest first. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
