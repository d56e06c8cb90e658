/** The rules of `resourceVersion` and `resourceVersionMatch` (apimachinery `meta/internalversion/validation`). */
import {
  badRequest,
  failure,
  invalid,
  type StatusCause,
  type StatusError,
} from '#api/resources/status.ts';
import type { WatchCache } from '../storage/watch-cache.ts';

/** kube-apiserver's block timeout of a read that waits for its cache. */
const waitMs = 3000;

/** The parameter as a number; `undefined` if it is not given. Throws 400. */
export function parseVersion(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d+$/.test(text)) {
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a number`);
  }
  return Number(text);
}

/** Waits until the cache is not older than `version`. Throws 504 if that does not come about. */
export async function reach(cache: WatchCache, version: number): Promise<void> {
  if (version <= cache.revision) return;
  try {
    await cache.waitFor(version, AbortSignal.timeout(waitMs));
  } catch {
    throw tooLarge(version, cache.revision);
  }
}

function tooLarge(version: number, current: number): StatusError {
  const message = `Too large resource version: ${version}, current: ${current}`;
  const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' };
  return failure(504, 'Timeout', message, { causes: [cause], retryAfterSeconds: 1 });
}

export type ListVersion =
  /** As it is now. */
  | { readonly type: 'latest' }
  | { readonly type: 'not-older'; readonly version: number }
  | { readonly type: 'exact'; readonly version: number };

const forbidden = (message: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  field: 'resourceVersionMatch',
  message: `Forbidden: ${message}`,
});

function refuse(cause: StatusCause): never {
  throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [cause]);
}

/** Which state a list is of. Throws 400 or 422 for combinations that Kubernetes forbids. */
export function listVersion(query: URLSearchParams): ListVersion {
  const version = parseVersion(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch') ?? '';
  const continued = (query.get('continue') ?? '') !== '';
  if (match !== '') checkMatch(match, { version, continued });
  if (continued && version !== undefined && version !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (version === undefined || continued) return { type: 'latest' };
  if (match === 'Exact') return { type: 'exact', version };
  // Without a match a version with a limit has always meant just this version.
  const limited = Number(query.get('limit') ?? 0) > 0;
  if (match === '' && limited && version > 0) return { type: 'exact', version };
  return { type: 'not-older', version };
}

function checkMatch(
  match: string,
  { version, continued }: { version: number | undefined; continued: boolean },
): void {
  if (version === undefined) {
    refuse(forbidden('resourceVersionMatch is forbidden unless resourceVersion is provided'));
  }
  if (continued) {
    refuse(forbidden('resourceVersionMatch is forbidden when continue is provided'));
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    refuse({
      reason: 'FieldValueNotSupported',
      field: 'resourceVersionMatch',
      message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`,
    });
  }
  if (match === 'Exact' && version === 0) {
    refuse(forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
}

export interface WatchStart {
  /** Events after this version; `undefined`: the present state as ADDED, then what follows. */
  readonly from: number | 'now' | undefined;
  /** A bookmark is to tell when the present state has been sent whole. */
  readonly markInitialEnd: boolean;
  /** The cache must not be older than this before the present state is sent. */
  readonly notOlderThan: number;
}

/** Where a watch starts. Throws 422 for combinations that Kubernetes forbids. */
export function watchStart(query: URLSearchParams): WatchStart {
  const version = parseVersion(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch') ?? '';
  const initial = query.get('sendInitialEvents');
  if (initial === null && match !== '') {
    refuse(
      forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    );
  }
  if (initial !== null && match !== 'NotOlderThan') {
    refuse(forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (initial === 'true' || (initial === null && (version === undefined || version === 0))) {
    return { from: undefined, markInitialEnd: initial === 'true', notOlderThan: version ?? 0 };
  }
  // `sendInitialEvents=false` without a version: from now on.
  const from = version === undefined || version === 0 ? 'now' : version;
  return { from, markInitialEnd: false, notOlderThan: 0 };
}
