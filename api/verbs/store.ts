/**
 * Writes: encode, put if nobody was faster, wait until the cache holds it. After that every read of this server sees
 * the write.
 */
import type { KubeObject } from '#api/resources/meta.ts';
import { convertTo } from '../kinds/convert.ts';
import type { Kind } from '../schema/kind.ts';
import { Entry } from '../storage/entry.ts';
import { Unavailable, type WriteResult } from '../storage/storage.ts';
import { encodeStored } from '../storage/stored-object.ts';
import type { ApiContext } from './request.ts';

export type Outcome =
  | { readonly written: true; readonly entry: Entry }
  /** Somebody else wrote first; `current` is what stands now, `undefined` for nothing. */
  | { readonly written: false; readonly current: Entry | undefined };

/** The cache follows the store by milliseconds; if it cannot for this long, the client is told so. */
const followMs = 10_000;
/** Kubernetes' `--event-ttl`. */
const eventTtlSeconds = 3600;

export interface Write {
  readonly kind: Kind;
  readonly key: string;
  readonly object: KubeObject;
  /** 0: only if the key is not there. */
  readonly expectedRevision: number;
}

/** Puts the object. Throws as `Storage.put` does, and `Unavailable` if the cache does not follow. */
export async function put(
  { storage, cache }: Pick<ApiContext, 'storage' | 'cache'>,
  write: Write,
): Promise<Outcome> {
  const { kind, key, expectedRevision } = write;
  const object = convertTo(write.object, kind.storageApiVersion);
  const value = encodeStored(object);
  const options = isEvent(kind) ? { ttlSeconds: eventTtlSeconds } : {};
  const arrived = cache.underWay.add(key, { value, object });
  let result: WriteResult;
  try {
    result = await storage.put(key, value, { expectedRevision, ...options });
    if (result.written) await follow(cache, result.revision);
  } finally {
    arrived();
  }
  if (!result.written) return notWritten(result.current);
  const cached = cache.get(key);
  const { revision } = result;
  const entry = cached?.revision === revision ? cached : Entry.from({ key, value, revision });
  return { written: true, entry };
}

/** Kubernetes' own, under either name; a custom kind may be called the same. */
const isEvent = ({ plural, custom }: Kind): boolean => plural === 'events' && custom === undefined;

/** Deletes the key if `entry` is what stands there. The outcome's entry is the last state. */
export async function remove(context: ApiContext, entry: Entry): Promise<Outcome> {
  const { storage, cache, reservations } = context;
  const result = await storage.delete(entry.key, entry.revision);
  if (!result.written) return notWritten(result.current);
  await reservations?.removed(entry);
  await follow(cache, result.revision);
  return { written: true, entry: entry.at(result.revision) };
}

function notWritten(current: Parameters<typeof Entry.from>[0] | undefined): Outcome {
  return { written: false, current: current === undefined ? undefined : Entry.from(current) };
}

async function follow(cache: ApiContext['cache'], revision: number): Promise<void> {
  if (revision <= cache.revision) return;
  // Not `AbortSignal.timeout`: one such signal a write would live on for the whole time.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), followMs);
  try {
    await cache.waitFor(revision, late.signal);
  } catch (cause) {
    throw new Unavailable('the write took place, but its event did not come back', { cause });
  } finally {
    clearTimeout(timer);
  }
}
