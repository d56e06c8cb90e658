/** A store whose Secrets are encrypted: on their way in by the first key, on their way out by whichever they name. */
import { map } from 'rxjs/internal/operators/map';
import { decrypt, encrypt, isEncrypted, keyNameOf, type NamedKey } from './secret-cipher.ts';
import type { Storage, StorageEvent, Stored, WriteResult } from './storage.ts';

const prefix = '/registry/secrets/';

/** The keys as they are now; they may change while the store is open. */
export class Keys {
  #keys: readonly NamedKey[];

  constructor(keys: readonly NamedKey[]) {
    this.#keys = keys;
  }

  replace(keys: readonly NamedKey[]): void {
    this.#keys = keys;
  }

  /** The one that encrypts. */
  get first(): NamedKey | undefined {
    return this.#keys[0];
  }

  find(name: string): NamedKey | undefined {
    return this.#keys.find((key) => key.name === name);
  }
}

export type Unreadable = (key: string, error: unknown) => void;

/** What cannot be deciphered is passed on as it is: it is no JSON, so whoever reads it says so and does not serve it. */
function opened(keys: Keys, onUnreadable: Unreadable) {
  return <T extends { readonly key: string; readonly value: Buffer }>(stored: T): T => {
    const { key, value } = stored;
    if (!key.startsWith(prefix) || !isEncrypted(value)) return stored;
    try {
      const name = keyNameOf(value);
      const found = keys.find(name);
      if (found === undefined) throw new Error(`there is no key ${JSON.stringify(name)}`);
      return { ...stored, value: decrypt(value, found, key) };
    } catch (error) {
      onUnreadable(key, error);
      return stored;
    }
  };
}

/** The same store to its readers; Secrets in it are ciphertext. */
export function encryptSecrets(inner: Storage, keys: Keys, onUnreadable: Unreadable): Storage {
  const open = opened(keys, onUnreadable);
  const result = (outcome: WriteResult): WriteResult =>
    outcome.written || outcome.current === undefined
      ? outcome
      : { written: false, current: open(outcome.current) };
  const event = (one: StorageEvent): StorageEvent => (one.type === 'put' ? open(one) : one);
  const optional = (stored: Stored | undefined) =>
    stored === undefined ? undefined : open(stored);
  return {
    get: async (key) => optional(await inner.get(key)),
    range: async (range, options) => {
      const found = await inner.range(range, options);
      return { ...found, items: found.items.map(open) };
    },
    put: async (key, value, options) => {
      const { first } = keys;
      const sealed =
        first !== undefined && key.startsWith(prefix) ? encrypt(value, first, key) : value;
      return result(await inner.put(key, sealed, options));
    },
    delete: async (key, revision) => result(await inner.delete(key, revision)),
    watch: (range, from) => inner.watch(range, from).pipe(map((events) => events.map(event))),
    requestProgress: () => inner.requestProgress(),
    compact: (revision) => inner.compact(revision),
    ping: () => inner.ping(),
    close: () => inner.close(),
  };
}

/**
 * Writes again every Secret that is plain or under another key than the first. Resolves with how many there were. What
 * cannot be deciphered stays as it is.
 */
export async function reencrypt(
  inner: Storage,
  keys: Keys,
  onUnreadable: Unreadable,
): Promise<number> {
  const { first } = keys;
  if (first === undefined) return 0;
  const store = encryptSecrets(inner, keys, onUnreadable);
  let written = 0;
  let after: string | undefined;
  for (;;) {
    const page = await inner.range(prefix, {
      limit: 100,
      ...(after === undefined ? {} : { after }),
    });
    for (const { key, value, revision } of page.items) {
      after = key;
      if (isEncrypted(value) && keyNameOf(value) === first.name) continue;
      const plain = await store.get(key);
      // Written meanwhile, and so under the first key; or not to be read.
      if (plain === undefined || plain.revision !== revision || isEncrypted(plain.value)) continue;
      const { written: isWritten } = await store.put(key, plain.value, {
        expectedRevision: revision,
      });
      if (isWritten) written++;
    }
    if (!page.more) return written;
  }
}
