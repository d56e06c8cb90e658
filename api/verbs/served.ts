/** Stored objects in the version that is served: several served versions of a kind share one stored one. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';

/** Whether the stored bytes are what clients of this version get. */
export function storedAsServed(kind: Kind): boolean {
  return kind.custom === undefined && kind.storageApiVersion === apiVersionOf(kind);
}

/** The object as clients of this version see it; frozen. */
export function served(kind: Kind, entry: Entry): KubeObject {
  const object = entry.object();
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** The same as JSON bytes. */
export function servedBody(kind: Kind, entry: Entry): Buffer {
  return storedAsServed(kind) ? entry.body() : entry.body(apiVersionOf(kind));
}
