/** What etcd's failures mean to those who store. */
import { codes, GrpcError } from './grpc.ts';
import { TooLarge, Unavailable } from './storage.ts';

/** The read asked for a revision that etcd has compacted (`ErrCompacted`). */
export function isCompacted(error: unknown): boolean {
  return error instanceof GrpcError && /revision has been compacted/.test(error.message);
}

/** The lease of a put has run out (`ErrLeaseNotFound`): nothing was written. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof GrpcError && error.code === codes.notFound && /lease/.test(error.message);
}

/** Whether the same read may succeed if it is made again. */
export function isPassing(error: unknown): boolean {
  return error instanceof GrpcError && error.code === codes.unavailable;
}

/** Whether a write that failed like this may have taken place all the same. */
export function leavesOutcomeOpen(error: unknown): boolean {
  if (!(error instanceof GrpcError)) return true;
  if (!error.sent) return false;
  return (
    error.code === codes.unavailable ||
    error.code === codes.deadlineExceeded ||
    error.code === codes.unknown ||
    error.code === codes.cancelled
  );
}

/** The error of a failed call in the storage's own terms; `what` says what was tried. */
export function translate(error: unknown, what: string): Error {
  if (!(error instanceof GrpcError))
    return error instanceof Error ? error : new Error(String(error));
  const { message } = error;
  if (/request is too large|message larger than max/.test(message)) {
    return new TooLarge(`${what}: larger than etcd takes (--max-request-bytes): ${message}`);
  }
  if (/future revision/.test(message)) return new RangeError(`${what}: ${message}`);
  if (/database space exceeded/.test(message)) {
    return new Unavailable(
      `${what}: etcd's disk quota is used up (${message}); compact and defragment it, or raise ` +
        '--quota-backend-bytes, then disarm its NOSPACE alarm',
      { cause: error },
    );
  }
  return new Unavailable(`${what}: etcd did not answer: ${message}`, { cause: error });
}
