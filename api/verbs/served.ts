/** Stored objects in the version that is served: several served versions of a kind share one stored one. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { convertTo, needsConversion } from '../kinds/convert.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';

/** Whether the stored bytes are what clients of this version get. */
export function storedAsServed(kind: Kind): boolean {
  return kind.custom === undefined && kind.storageApiVersion === apiVersionOf(kind);
}

/** The object as clients of this version see it; frozen. */
export function served(kind: Kind, entry: Entry): KubeObject {
  return convertTo(entry.object(), apiVersionOf(kind));
}

/** The same as JSON bytes. */
export function servedBody(kind: Kind, entry: Entry): Buffer {
  if (storedAsServed(kind)) return entry.body();
  if (needsConversion(kind)) return Buffer.from(JSON.stringify(served(kind, entry)));
  return entry.body(apiVersionOf(kind));
}
