/** Public keys as policies give them, and signatures made with them as sigstore makes them. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]*-----END \1-----/g;
const KINDS = new Set(['ec', 'rsa', 'ed25519']);
const LEAST_RSA_BITS = 2048;

/** All blocks of a PEM text. */
export function pemBlocks(text: string): readonly string[] {
  return [...text.matchAll(PEM)].map(([block]) => block);
}

/** @throws Error saying what `what` should be */
export function publicKeys(text: string, what: string): readonly KeyObject[] {
  const keys = pemBlocks(text).map((block) => publicKey(block, what));
  if (keys.length === 0) throw new Error(`${what} holds no public key in PEM`);
  return keys;
}

function publicKey(block: string, what: string): KeyObject {
  // A private key would be taken, too: node:crypto derives the public one.
  if (!/^-----BEGIN (RSA )?PUBLIC KEY-----/.test(block)) {
    throw new Error(`${what} is no public key in PEM ("-----BEGIN PUBLIC KEY-----")`);
  }
  let key: KeyObject;
  try {
    key = createPublicKey(block);
  } catch (cause) {
    throw new Error(`${what} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const { asymmetricKeyType: kind = '', asymmetricKeyDetails: { modulusLength = 0 } = {} } = key;
  if (!KINDS.has(kind))
    throw new Error(`${what} is of the kind ${kind}: use ECDSA, RSA or Ed25519`);
  if (kind === 'rsa' && modulusLength < LEAST_RSA_BITS) {
    throw new Error(`${what} has ${modulusLength} bits: RSA needs ${LEAST_RSA_BITS}`);
  }
  return key;
}

/** The DER bytes of its SubjectPublicKeyInfo. */
export function spki(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' });
}

/** ECDSA in DER and RSA PKCS #1 v1.5, both over SHA-256; Ed25519 over the bytes themselves. Never throws. */
export function isSignedBy(key: KeyObject, bytes: Buffer, signature: Buffer): boolean {
  try {
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key, signature);
  } catch {
    return false;
  }
}
