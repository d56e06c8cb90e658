/**
 * Kubernetes' AES-GCM at rest (`apiserver/pkg/storage/value/encrypt/aes`): what a kube-apiserver with the same keys reads.
 *
 *     k8s:enc:aesgcm:v1:<key's name>: | nonce, 12 bytes | ciphertext | tag, 16 bytes
 *
 * The etcd key is authenticated with it: a value moved to another key does not decrypt.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface NamedKey {
  readonly name: string;
  readonly bytes: Buffer;
}

const prefix = Buffer.from('k8s:enc:aesgcm:v1:');
const encrypted = Buffer.from('k8s:enc:');
const nonceBytes = 12;
const tagBytes = 16;
const nameBytesMax = 64;
const colon = 0x3a;

/** The value cannot be read: a key is missing, or it was changed. */
export class Undecipherable extends Error {
  override readonly name = 'Undecipherable';
}

export const isEncrypted = (value: Buffer): boolean =>
  value.length > encrypted.length && value.subarray(0, encrypted.length).equals(encrypted);

const algorithm = ({ bytes }: NamedKey) => `aes-${bytes.length * 8}-gcm` as 'aes-256-gcm';

export function encrypt(value: Buffer, key: NamedKey, etcdKey: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm(key), key.bytes, nonce);
  cipher.setAAD(Buffer.from(etcdKey));
  const head = Buffer.concat([prefix, Buffer.from(`${key.name}:`), nonce]);
  return Buffer.concat([head, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** The name of the key that an encrypted value needs; throws `Undecipherable` for another scheme. */
export function keyNameOf(value: Buffer): string {
  const end = value.indexOf(colon, prefix.length);
  const known = value.subarray(0, prefix.length).equals(prefix);
  if (!known || end < 0 || end - prefix.length > nameBytesMax) {
    throw new Undecipherable('it is encrypted by a scheme that is not aesgcm:v1');
  }
  return value.toString('latin1', prefix.length, end);
}

/** Throws `Undecipherable`. */
export function decrypt(value: Buffer, key: NamedKey, etcdKey: string): Buffer {
  const start = prefix.length + Buffer.byteLength(key.name) + 1;
  if (value.length < start + nonceBytes + tagBytes) throw new Undecipherable('it is cut short');
  const nonce = value.subarray(start, start + nonceBytes);
  const decipher = createDecipheriv(algorithm(key), key.bytes, nonce);
  decipher.setAAD(Buffer.from(etcdKey));
  decipher.setAuthTag(value.subarray(-tagBytes));
  try {
    return Buffer.concat([
      decipher.update(value.subarray(start + nonceBytes, -tagBytes)),
      decipher.final(),
    ]);
  } catch (cause) {
    throw new Undecipherable(`it does not fit the key ${key.name}`, { cause });
  }
}
