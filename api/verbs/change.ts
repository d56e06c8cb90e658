/** Read, change, write, and again if somebody was faster: the one way objects that exist are written. */
import { isLeft } from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { equalJson } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { conflict, notFound, type StatusError } from '#api/resources/status.ts';
import { convertTo } from '../kinds/convert.ts';
import { mayBeRemoved } from '../kinds/deletion.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import type { ApiContext, Changed } from './request.ts';
import { withReserved } from './reserve.ts';
import { served } from './served.ts';
import { put, remove } from './store.ts';
import { Turns } from './turns.ts';

export interface ChangeOptions {
  readonly kind: Kind;
  readonly key: string;
  readonly name: string;
  /** On a conflict: `retry` reads and changes again, `fail` is 409. */
  readonly onConflict: 'retry' | 'fail';
  readonly dryRun: boolean;
}

type Change = (current: KubeObject) => TaskEither<StatusError, KubeObject>;

const turns = new Turns();

/** Each round loses to a writer who won: many rounds mean many writers, not a fault. */
const rounds = 20;

/**
 * Stores what `change` makes of the object; nothing is written if that is the same. An object that is being deleted
 * and that nothing holds any more is removed instead. `change` gets the object in the served version and may be called
 * several times. Throws 404, 409 and what `change` answers.
 */
export function changeStored(
  context: ApiContext,
  options: ChangeOptions,
  change: Change,
): Promise<Changed> {
  return turns.take(context.storage, options.key, () => changeInTurn(context, options, change));
}

async function changeInTurn(
  context: ApiContext,
  options: ChangeOptions,
  change: Change,
): Promise<Changed> {
  const { kind, key, name } = options;
  let entry = context.cache.get(key);
  for (let round = 0; round < rounds; round++) {
    if (entry === undefined) throw notFound(kind, name);
    const current = served(kind, entry);
    const next = await change(current)();
    if (isLeft(next)) throw next.left;
    const refused = context.guard?.({ kind, object: next.right, old: current });
    if (refused !== undefined) throw refused;
    const gone = mayBeRemoved(next.right);
    if (!options.dryRun && !gone && isStored(kind, entry, next.right)) return { entry };
    let latest: Entry | undefined;
    const before = entry;
    const { dryRun } = options;
    const asked = { kind, object: next.right, old: current, dryRun };
    const changed = await withReserved(context, asked, async (object) => {
      if (dryRun) return { entry: before, dry: object };
      const outcome = gone
        ? await remove(context, before)
        : await put(context, { kind, key, object, expectedRevision: before.revision });
      if (outcome.written) return { entry: outcome.entry };
      latest = outcome.current;
      return undefined;
    });
    if (changed !== undefined) return changed;
    if (options.onConflict === 'fail' && latest !== undefined) break;
    entry = latest;
  }
  throw conflict(kind, name);
}

/**
 * Whether the store has the object just so. The version alone is no change; another stored form is one: writing an object
 * as it is brings it into the kind's present storage version.
 */
function isStored(kind: Kind, entry: Entry, object: KubeObject): boolean {
  const before = entry.object();
  const after = convertTo(object, kind.storageApiVersion);
  const { resourceVersion } = before.metadata;
  const metadata = {
    ...after.metadata,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return equalJson(before, { ...after, metadata });
}
