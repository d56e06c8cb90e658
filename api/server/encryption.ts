/** Encryption at rest as the server has it: the file of keys, looked at again when it changes. */
import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { encryptionFile, readEncryptionKeys } from '../pki/encryption-keys.ts';
import { encryptSecrets, Keys, reencrypt } from '../storage/encrypted.ts';
import type { Storage } from '../storage/storage.ts';
import type { Log } from './log.ts';

/** How soon a new key is seen. */
const lookMs = 1000;

async function read(path: string) {
  const keys = await readEncryptionKeys(path);
  return keys.map(({ name, secret }) => ({ name, bytes: Buffer.from(secret, 'base64') }));
}

/**
 * The store with its Secrets encrypted. A new first key in the file is used as soon as it is seen, and all Secrets are
 * written again under it. Rejects if the file cannot be read: without the keys Secrets would be lost to everybody.
 */
export async function withEncryption(inner: Storage, pki: string, log: Log): Promise<Storage> {
  const path = join(pki, encryptionFile);
  const keys = new Keys(await read(path));
  const onUnreadable = (key: string, error: unknown) =>
    log('error', 'secret cannot be deciphered', { key, error: String(error) });
  const renew = async () => {
    const count = await reencrypt(inner, keys, onUnreadable);
    if (count > 0) log('info', 'secrets encrypted', { count, key: keys.first?.name });
  };
  const look = async () => {
    try {
      keys.replace(await read(path));
      await renew();
    } catch (error) {
      log('error', 'encryption keys not taken', { path, error: String(error) });
    }
  };
  watchFile(path, { interval: lookMs, persistent: false }, () => void look());
  void renew().catch((error: unknown) =>
    log('warn', 'secrets not all encrypted', { error: String(error) }),
  );
  const store = encryptSecrets(inner, keys, onUnreadable);
  return {
    ...store,
    close: async () => {
      unwatchFile(path);
      await store.close();
    },
  };
}
