/** Who asks: a client certificate, a bearer token, or nobody we know. */
import type { IncomingHttpHeaders } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { failure, type StatusError } from '#api/resources/status.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { bootstrapUser } from './bootstrap-tokens.ts';
import { CertificateRefused, certificateUser } from './client-certificate.ts';
import {
  type ServiceAccountTokens,
  TokenRefused,
  type Verified,
} from './service-account-tokens.ts';
import { anonymous, type User } from './user.ts';

const unauthorized = (): StatusError => failure(401, 'Unauthorized', 'Unauthorized');

/** Tokens of every sort; there once the cache is filled. */
export interface TokenSources {
  readonly accounts: ServiceAccountTokens;
  readonly cache: WatchCache;
  readonly now: () => Date;
}

/** Whose token it is. Throws TokenRefused. */
export function tokenUser(
  token: string,
  { accounts, cache, now }: TokenSources,
  audiences?: readonly string[],
): Verified {
  // Three parts are a JSON Web Token, two a bootstrap token.
  if (token.split('.', 3).length === 3) return accounts.verify(token, audiences);
  const user = bootstrapUser(token, cache, now());
  if (user === undefined) throw new TokenRefused('the token is not known');
  return { user, audiences: audiences ?? [] };
}

/**
 * The user of a request; `anonymous` if it shows no credentials. Throws 401 for credentials that do not count, and
 * 503 for a token while no token can be checked yet.
 */
export function authenticate(
  socket: TLSSocket,
  headers: IncomingHttpHeaders,
  tokens: TokenSources | undefined,
): User {
  try {
    const user = certificateUser(socket);
    if (user !== undefined) return user;
    const token = bearerToken(headers.authorization);
    if (token === undefined) return anonymous;
    if (tokens === undefined) throw starting();
    return tokenUser(token, tokens).user;
  } catch (error) {
    if (error instanceof CertificateRefused || error instanceof TokenRefused) {
      throw unauthorized();
    }
    throw error;
  }
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  const token = header.slice(7).trim();
  return token === '' ? undefined : token;
}

/** What those are told who ask before the cache is filled: they may ask again soon. */
export function starting(): StatusError {
  const message = 'the server is starting: it is not connected to its store yet';
  return failure(503, 'ServiceUnavailable', message, { retryAfterSeconds: 1 });
}
