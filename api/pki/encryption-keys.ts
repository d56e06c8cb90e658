/**
 * The keys that Secrets are encrypted with at rest, in the file a kube-apiserver would be given
 * (`--encryption-provider-config`; JSON is YAML): the first key encrypts, all of them decrypt.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeSecret } from './secret-file.ts';

export interface EncryptionKey {
  readonly name: string;
  /** 32 bytes in base64. */
  readonly secret: string;
}

/** Below the directory of certificates. */
export const encryptionFile = 'encryption.json';
const keyBytes = 32;

const configuration = (keys: readonly EncryptionKey[]) => ({
  kind: 'EncryptionConfiguration',
  apiVersion: 'apiserver.config.k8s.io/v1',
  resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys } }, { identity: {} }] }],
});

const write = (path: string, keys: readonly EncryptionKey[]): Promise<void> =>
  writeSecret(path, `${JSON.stringify(configuration(keys), null, 2)}\n`);

const isKey = (value: unknown): value is EncryptionKey => {
  const { name, secret } = Object(value) as Partial<Record<'name' | 'secret', unknown>>;
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,63}$/.test(name)) return false;
  return typeof secret === 'string' && [16, 24, 32].includes(Buffer.from(secret, 'base64').length);
};

/**
 * The keys of a file, the one that encrypts first. Throws an Error that names the file: where it is broken nothing
 * may be made in its place, for what it encrypted would be lost.
 */
export async function readEncryptionKeys(path: string): Promise<EncryptionKey[]> {
  const text = await readFile(path, 'utf8');
  const why = (reason: string) => new Error(`read the encryption keys ${path}: ${reason}`);
  let keys: unknown;
  try {
    keys = JSON.parse(text).resources[0].providers[0].aesgcm.keys;
  } catch (error) {
    throw why((error as Error).message);
  }
  if (!Array.isArray(keys) || keys.length === 0) throw why('there is no aesgcm key in it');
  const wrong = keys.findIndex((key) => !isKey(key));
  if (wrong >= 0) throw why(`resources[0].providers[0].aesgcm.keys[${wrong}] is no key`);
  return keys as EncryptionKey[];
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

const fresh = (name: string): EncryptionKey => ({
  name,
  secret: randomBytes(keyBytes).toString('base64'),
});

/** Makes the file where it is missing. */
export async function ensureEncryptionKeys(path: string): Promise<void> {
  try {
    await readFile(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await write(path, [fresh('key1')]);
  }
}

/** A new key encrypts from now on; those before still decrypt, old backups too. Resolves with its name. */
export async function rotateEncryptionKeys(path: string): Promise<string> {
  const keys = await readEncryptionKeys(path);
  const numbers = keys.map(({ name }) => Number(/^key(\d+)$/.exec(name)?.[1] ?? 0));
  const key = fresh(`key${Math.max(...numbers, 0) + 1}`);
  await write(path, [key, ...keys]);
  return key.name;
}
