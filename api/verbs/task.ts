/** The two bridges between the request line (`Either`, `TaskEither`) and `async`/`await`. */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { expired, failure, internalError, StatusError } from '#api/resources/status.ts';
import { Compacted, TooLarge, Unavailable } from '../storage/storage.ts';

/** The failure as clients are told it; what nobody expected is a 500 that keeps its cause for the log. */
export function asStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof TooLarge) return failure(413, 'RequestEntityTooLarge', error.message);
  if (error instanceof Compacted) {
    return expired('The provided resource version is too old: its history is no longer kept.');
  }
  if (error instanceof Unavailable) {
    return failure(504, 'Timeout', `the store did not answer: ${error.message}`);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(internalError(message).status, { cause: error });
}

/** Runs `work`; what it throws is the left side. */
export function attempt<A>(work: () => Promise<A>): TaskEither<StatusError, A> {
  return async () => {
    try {
      return right(await work());
    } catch (error) {
      return left(asStatus(error));
    }
  };
}

/** The same for work that is done at once. */
export function attemptNow<A>(work: () => A): Either<StatusError, A> {
  try {
    return right(work());
  } catch (error) {
    return left(asStatus(error));
  }
}

/** The right side; throws the left one. */
export function orThrow<A>(either: Either<StatusError, A>): A {
  if (isLeft(either)) throw either.left;
  return either.right;
}
