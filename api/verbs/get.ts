/** GET of one object. */
import { notFound } from '#api/resources/status.ts';
import { entryAnswer, storageKey, type Verb } from './request.ts';
import { parseVersion, reach } from './resource-version.ts';
import { attempt } from './task.ts';

export const get: Verb = ({ kind, namespace, name = '', query }, { cache }) =>
  attempt(async () => {
    await reach(cache, parseVersion(query.get('resourceVersion')) ?? 0);
    const entry = cache.get(storageKey(kind, namespace, name));
    if (entry === undefined) throw notFound(kind, name);
    return entryAnswer(kind, entry);
  });
