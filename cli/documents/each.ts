/** The frame of commands that do the same to each document that is meant. */
import type { RemoteClient } from '#api/client/client.ts';
import { StatusError } from '#api/resources/status.ts';
import { type ConnectionFlags, openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { eachFound, type Found, type Selection } from './select.ts';

/** Opens a client for the time of `work`. */
export async function withClient<T>(
  flags: ConnectionFlags,
  work: (client: RemoteClient) => Promise<T>,
): Promise<T> {
  const client = await openClient(flags);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** One line on standard error. A server that does not answer will not answer for the next one either. */
export function tellFailure(error: unknown): void {
  if (error instanceof StatusError && error.reason === 'ServiceUnavailable') throw error;
  process.stderr.write(`bay: ${errorText(error)}\n`);
}

/** Exit code 1 if one fails; the others are done all the same. */
export async function forEachFound(
  flags: ConnectionFlags & Selection,
  command: string,
  each: (client: RemoteClient, found: Found) => Promise<void>,
): Promise<number> {
  return withClient(flags, async (client) => {
    let failures = 0;
    const count = await eachFound(
      client,
      flags,
      command,
      (found) => each(client, found),
      (error) => {
        failures += 1;
        tellFailure(error);
      },
    );
    if (count === 0 && failures === 0) process.stderr.write('No resources found\n');
    return failures > 0 ? 1 : 0;
  });
}

/** `deployment.apps/web scaled (server dry run)`. */
export const outcome = (label: string, what: string, dryRun: string): string =>
  `${label} ${what}${dryRun === 'none' ? '' : ` (${dryRun === 'server' ? 'server dry run' : 'dry run'})`}\n`;
