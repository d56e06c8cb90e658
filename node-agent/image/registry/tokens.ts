/** Bearer tokens of registries' token services (distribution, spec/auth/token.md and oauth.md), kept until they expire. */

import { createHash } from 'node:crypto';
import * as t from 'io-ts';
import type { RegistryCredentials } from '../images.ts';
import { readWhole } from './body.ts';
import { answerProblem, networkProblem, RegistryProblem } from './problem.ts';
import type { Answer, TlsSettings, Transport } from './transport.ts';

const TokenAnswer = t.partial({
  token: t.string,
  access_token: t.string,
  expires_in: t.number,
});

/** What the specification gives a token that says nothing of its age. */
const DEFAULT_LIFE_S = 60;
/** A token is not used in the last part of its life: it must survive the way and an upload's start. */
const MARGIN_MS = 10_000;
const MAX_ANSWER_BYTES = 1 << 20;

export interface TokenRequest {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: RegistryCredentials;
  /** The registry that sent us there. */
  readonly registry: { readonly origin: string; readonly tls: TlsSettings };
  readonly signal?: AbortSignal | undefined;
}

interface Token {
  readonly value: string;
  readonly expiresAt: number;
}

export class Tokens {
  readonly #transport: Transport;
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws RegistryProblem */
  async get(request: TokenRequest): Promise<string> {
    const key = keyOf(request);
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known !== undefined && known.expiresAt > Date.now()) return known.value;
    const fetched = this.#fetch(request);
    this.#tokens.set(key, fetched);
    fetched.catch(() => this.#tokens.delete(key));
    return (await fetched).value;
  }

  /** The registry did not take it; whoever came first has replaced it already. */
  async forget(request: TokenRequest, refused: string): Promise<void> {
    const key = keyOf(request);
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known?.value === refused) this.#tokens.delete(key);
  }

  async #fetch(request: TokenRequest): Promise<Token> {
    const url = realmUrl(request);
    const { credentials, registry, signal } = request;
    const what = `get a token from ${url.origin}${url.pathname}`;
    const answer = await this.#transport
      .send({ ...tokenRequest(url, request), tls: tlsFor(url, registry), signal })
      .catch((error: unknown) => {
        throw networkProblem(what, url.host, error);
      });
    if (answer.status !== 200) throw await answerProblem(what, answer);
    return tokenOf(what, answer, credentials);
  }
}

/** Each caller of one registry and login shares; passwords are not kept as keys. */
function keyOf({ realm, service, scopes, credentials }: TokenRequest): string {
  const text = JSON.stringify([realm, service, [...scopes].sort(), credentials]);
  return createHash('sha256').update(text).digest('hex');
}

/** A password is not sent without TLS where the registry itself has it. */
function realmUrl({ realm, registry, credentials }: TokenRequest): URL {
  const url = URL.canParse(realm, registry.origin) ? new URL(realm, registry.origin) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new RegistryProblem(
      'refused',
      `the registry ${registry.origin} sends us for a token to '${realm}', which is no URL`,
    );
  }
  const isSecret = Object.keys(credentials).length > 0;
  if (isSecret && url.protocol === 'http:' && registry.origin.startsWith('https:')) {
    const message = `the registry ${registry.origin} sends us for a token to ${url.origin}, without TLS: the credentials were not sent`;
    throw new RegistryProblem('refused', message);
  }
  return url;
}

function tlsFor(url: URL, registry: TokenRequest['registry']): TlsSettings {
  const isSame = url.hostname === new URL(registry.origin).hostname;
  return isSame ? registry.tls : { ...registry.tls, skipVerify: false };
}

function tokenRequest(url: URL, { service, scopes, credentials }: TokenRequest) {
  if (credentials.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'bayplan',
      refresh_token: credentials.identityToken,
      scope: scopes.join(' '),
      ...(service === undefined ? {} : { service }),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const { username, password = '' } = credentials;
  if (username === undefined) return { method: 'GET', url };
  url.searchParams.set('account', username);
  return { method: 'GET', url, headers: { authorization: basic(username, password) } };
}

/** RFC 7617. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function tokenOf(
  what: string,
  answer: Answer,
  credentials: RegistryCredentials,
): Promise<Token> {
  const decoded = TokenAnswer.decode(await tokenJson(what, answer));
  const value = decoded._tag === 'Right' ? decoded.right.token || decoded.right.access_token : '';
  // A header's value: anything else would be refused by Node with a message that shows the token.
  if (decoded._tag === 'Left' || !value || !/^[\x21-\x7e]+$/.test(value)) {
    const who = credentials.username === undefined ? '' : ` for ${credentials.username}`;
    throw new RegistryProblem('refused', `${what}${who}: the answer holds no token`);
  }
  const lifeMs = (decoded.right.expires_in ?? DEFAULT_LIFE_S) * 1000;
  return { value, expiresAt: Date.now() + Math.max(lifeMs / 2, lifeMs - MARGIN_MS) };
}

async function tokenJson(what: string, answer: Answer): Promise<unknown> {
  try {
    return JSON.parse((await readWhole(answer.body, MAX_ANSWER_BYTES)).toString());
  } catch (cause) {
    const why = (cause as Error).message.slice(0, 100);
    const kind =
      cause instanceof SyntaxError || cause instanceof RangeError ? 'refused' : 'temporary';
    throw new RegistryProblem(kind, `${what}: ${why}`, { cause });
  }
}
