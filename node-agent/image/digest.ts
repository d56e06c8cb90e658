/**
 * Content addresses: `<algorithm>:<lowercase hexadecimal digits>` (OCI image-spec, descriptor.md, "Registered algorithms").
 * What is made here is called by its SHA-256; what comes with a SHA-512 is verified by that and keeps that name.
 */

import { createHash } from 'node:crypto';

export type Algorithm = 'sha256' | 'sha512';
export type Digest = `${Algorithm}:${string}`;

export const ALGORITHMS: readonly Algorithm[] = ['sha256', 'sha512'];

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

export function digestOf(bytes: Uint8Array | string, algorithm: Algorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The 64 or 128 digits. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The digest that has these digits: their number tells the algorithm. */
export function digestOfHex(hex: string): Digest {
  return hex.length === 128 ? `sha512:${hex}` : `sha256:${hex}`;
}

/**
 * Identifies each layer together with all below it (OCI image-spec, config.md, "Layer ChainID"), lowest first. The lowest is
 * its own diff ID, all others are SHA-256, whatever their diff IDs are, as in the specification's reference code.
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
