/** GET of a collection: whole, by selector, in pages that are all of one state. */
import { badRequest, expired, type StatusError } from '#api/resources/status.ts';
import type { Entry } from '../storage/entry.ts';
import { Compacted } from '../storage/storage.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { decodeContinuation, encodeContinuation } from './continue-token.ts';
import { type Answer, type ApiRequest, storageKey, storageRange, type Verb } from './request.ts';
import { listVersion, reach } from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import { storedAsServed } from './served.ts';
import { attempt } from './task.ts';

interface Page {
  /** The state to read; `undefined`: the newest. */
  readonly version: number | undefined;
  readonly after: string | undefined;
  readonly limit: number | undefined;
}

export const list: Verb = (request, { cache }) =>
  attempt(async () => {
    const { kind, query } = request;
    const selection = selectionOf(kind, query);
    const page = await pageOf(query, cache);
    const wanted = selection.all && page.limit === undefined && page.version === undefined;
    const asStored = request.asStored && storedAsServed(kind);
    if (wanted && asStored) return whole(request, cache);
    const packed = selection.all && asStored ? packedPage(request, cache, page) : undefined;
    return packed ?? part(request, cache, selection, page);
  });

async function pageOf(query: URLSearchParams, cache: WatchCache): Promise<Page> {
  const limitText = query.get('limit') ?? '';
  if (limitText !== '' && !/^-?\d+$/.test(limitText)) {
    throw badRequest(`limit: Invalid value: ${JSON.stringify(limitText)}: must be a number`);
  }
  const limit = Number(limitText) > 0 ? Number(limitText) : undefined;
  const state = listVersion(query);
  const token = query.get('continue') ?? '';
  if (token !== '') {
    const { version, after } = decodeContinuation(token);
    if (version > 0) await reach(cache, version);
    return { version: version < 0 ? cache.revision : version, after, limit };
  }
  if (state.type === 'latest') return { version: undefined, after: undefined, limit };
  await reach(cache, state.version);
  const version = state.type === 'exact' ? state.version : undefined;
  return { version, after: undefined, limit };
}

function whole({ kind, namespace }: ApiRequest, cache: WatchCache): Answer {
  const { parts, revision } = cache.listBody(storageRange(kind, namespace));
  const metadata = { resourceVersion: String(revision) };
  return { code: 200, kind, payload: { type: 'bytes', parts, metadata }, warnings: [] };
}

/** A page in ready-made bytes; `undefined` where there are none. */
function packedPage(
  { kind, namespace }: ApiRequest,
  cache: WatchCache,
  { after, limit, version = cache.revision }: Page,
): Answer | undefined {
  const range = storageRange(kind, namespace);
  const from = after === undefined ? undefined : `${range}${after}`;
  const found = orGone(after, () => cache.pageBody(range, version, { after: from, limit }));
  if (found === undefined) return undefined;
  const { lastKey, remaining } = found;
  const metadata = {
    resourceVersion: String(version),
    ...(lastKey === undefined
      ? {}
      : {
          continue: encodeContinuation({ version, after: lastKey.slice(range.length) }),
          remainingItemCount: remaining,
        }),
  };
  const payload = { type: 'bytes', parts: found.parts, metadata } as const;
  return { code: 200, kind, payload, warnings: [] };
}

/** What `read` reads of the history; throws 410 if that is no longer there. */
function orGone<T>(after: string | undefined, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Compacted) throw gone(after);
    throw error;
  }
}

function part(request: ApiRequest, cache: WatchCache, selection: Selection, page: Page): Answer {
  const { kind, namespace } = request;
  const range = storageRange(kind, namespace);
  const version = page.version ?? cache.revision;
  const { entries, more, remaining } = select(request, cache, selection, { ...page, version });
  const last = entries.at(-1);
  const rest =
    more && last !== undefined
      ? {
          continue: encodeContinuation({ version, after: last.key.slice(range.length) }),
          ...(selection.all ? { remainingItemCount: remaining } : {}),
        }
      : {};
  const metadata = { resourceVersion: String(version), ...rest };
  return { code: 200, kind, payload: { type: 'list', entries, metadata }, warnings: [] };
}

interface Selected {
  readonly entries: readonly Entry[];
  readonly more: boolean;
  readonly remaining: number;
}

function select(
  { kind, namespace }: ApiRequest,
  cache: WatchCache,
  selection: Selection,
  { version, after, limit }: Page & { readonly version: number },
): Selected {
  const range = storageRange(kind, namespace);
  const from = after === undefined ? undefined : `${range}${after}`;
  const { name } = selection;
  if (
    name !== undefined &&
    version === cache.revision &&
    (namespace !== undefined || !kind.namespaced)
  ) {
    const entry = cache.get(storageKey(kind, namespace, name));
    const found = entry !== undefined && selection.matches(entry) ? [entry] : [];
    return { entries: found, more: false, remaining: 0 };
  }
  return orGone(after, () => {
    if (selection.all) return cache.listAt(range, version, { after: from, limit });
    const all = cache.listAt(range, version, { after: from }).entries.filter(selection.matches);
    const entries = limit === undefined ? all : all.slice(0, limit);
    return { entries, more: entries.length < all.length, remaining: all.length - entries.length };
  });
}

/** 410; a client in the middle of its pages gets a token to go on with, at the price of another state. */
function gone(after: string | undefined): StatusError {
  if (after === undefined) {
    return expired('The resourceVersion for the provided list is too old.');
  }
  const error = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of ' +
      'the results. Continuing with the provided token results in an inconsistent list - objects that were ' +
      'created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );
  error.status.metadata.continue = encodeContinuation({ version: -1, after });
  return error;
}
