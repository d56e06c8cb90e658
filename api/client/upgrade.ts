/** An HTTP/1.1 connection that leaves HTTP: exec, attach and port-forward. */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { failure, StatusError } from '#api/resources/status.ts';
import { type Credentials, loginHeaders, tlsOptions } from './credentials.ts';
import { readAll, statusError } from './session.ts';

export interface Upgraded {
  readonly socket: Duplex;
  /** What came after the answer's head already. */
  readonly head: Buffer;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Sends a GET with the given headers (`Upgrade` and what belongs to it; `Connection: Upgrade` is added) and resolves
 * with the raw connection. Rejects with the Status if the server declines.
 */
export function upgrade(
  credentials: Credentials,
  path: string,
  options: { readonly headers: OutgoingHttpHeaders; readonly signal?: AbortSignal },
): Promise<Upgraded> {
  const url = new URL(path, credentials.server);
  const headers = { Connection: 'Upgrade', ...loginHeaders(credentials), ...options.headers };
  const settings: RequestOptions = { ...tlsOptions(credentials), headers, agent: false };
  if (options.signal !== undefined) settings.signal = options.signal;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, settings);
    outgoing.once('upgrade', (response, socket, head) => {
      resolve({ socket, head, headers: response.headers });
    });
    outgoing.once('response', (response) => {
      readAll(response).then(
        (body) => reject(statusError(response.statusCode ?? 500, body.toString())),
        reject,
      );
    });
    outgoing.once('error', (cause) => {
      const { status } = failure(503, 'ServiceUnavailable', `GET ${url}: ${cause.message}`);
      reject(new StatusError(status, { cause }));
    });
    outgoing.end();
  });
}
