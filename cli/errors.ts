/** What a person is told when a command fails. */
import { StatusError } from '#api/resources/status.ts';

/** One line; an API failure as kubectl words it, with the reason; no stack unless BAY_DEBUG is set. */
export function errorText(error: unknown): string {
  if (process.env['BAY_DEBUG'] !== undefined && error instanceof Error) return error.stack ?? '';
  if (error instanceof StatusError) {
    if (error.reason === 'ServiceUnavailable') {
      return `the API server does not answer: ${error.message}; is the cluster up? ('bay status', 'bay up')`;
    }
    return `the server answered (${error.reason}): ${error.message}`;
  }
  return error instanceof Error ? error.message : String(error);
}
