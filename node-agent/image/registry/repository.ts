/** One repository on one server: requests with the right credentials, redirects followed, problems told apart. */

import type { Readable } from 'node:stream';
import type { RegistryCredentials } from '../images.ts';
import { readStart } from './body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Endpoint } from './endpoint.ts';
import type { Greeting } from './greeting.ts';
import { answerProblem, networkProblem, RegistryProblem } from './problem.ts';
import type { RetryPolicy } from './retry.ts';
import { basic, type TokenRequest, type Tokens } from './tokens.ts';
import type { Answer, Transport } from './transport.ts';

export interface RegistryParts {
  readonly transport: Transport;
  readonly tokens: Tokens;
  readonly greeting: Greeting;
  readonly retry: RetryPolicy;
}

export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the repository (`manifests/latest`), or absolute, as the registry gave it. */
  readonly to: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each try: a stream can be read once. */
  readonly body?: () => Buffer | Readable;
  /** Statuses that are answers; every other one is a problem. */
  readonly good: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

interface Sent {
  readonly answer: Answer;
  /** The header that was sent. */
  readonly authorization: string | undefined;
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class Repository {
  readonly endpoint: Endpoint;
  readonly parts: RegistryParts;
  readonly #credentials: RegistryCredentials;
  readonly #scopes: Set<string>;
  #challenge: Challenge | undefined;
  #origin: string | undefined;

  constructor(
    parts: RegistryParts,
    endpoint: Endpoint,
    access: {
      readonly credentials: RegistryCredentials;
      /** `none`: the registry alone is asked, no repository of it. */
      readonly actions: 'pull' | 'pull,push' | 'none';
    },
  ) {
    this.parts = parts;
    this.endpoint = endpoint;
    this.#credentials = access.credentials;
    const { actions } = access;
    this.#scopes = new Set(actions === 'none' ? [] : [`repository:${endpoint.path}:${actions}`]);
  }

  /** Asks for the right to read another repository, too: blobs are mounted from it. */
  alsoPullFrom(path: string): void {
    this.#scopes.add(`repository:${path}:pull`);
  }

  /**
   * The answer, its body unread.
   * @throws RegistryProblem, and what the signal aborts with
   */
  async ask(ask: Ask): Promise<Answer> {
    const { endpoint } = this;
    if (this.#origin === undefined) {
      const { origin, challenge } = await this.parts.greeting.of(endpoint, ask.signal);
      this.#origin = origin;
      this.#challenge = challenge;
    }
    const path = `${this.#origin}/v2/${endpoint.path}/`;
    const url = typeof ask.to === 'string' ? new URL(ask.to, path) : ask.to;
    for (let refused = 0; ; refused++) {
      const { answer, authorization } = await this.#follow(ask, url);
      if (ask.good.includes(answer.status)) return answer;
      const [challenge] = parseChallenges(answer.headers['www-authenticate']);
      const isOurs = answer.status === 401 && answer.url.origin === this.#origin;
      if (
        !isOurs ||
        challenge === undefined ||
        refused >= 1 ||
        !(await this.#meet(challenge, authorization))
      ) {
        throw await answerProblem(this.#name(ask.method, answer.url), answer);
      }
      await readStart(answer.body);
    }
  }

  /** Takes up a new challenge; false when there is nothing better to send than what was refused. */
  async #meet(challenge: Challenge, refused: string | undefined): Promise<boolean> {
    const before = this.#challenge;
    this.#challenge = challenge;
    if (this.#credentials.registryToken !== undefined) return false;
    if (challenge.scheme === 'basic') {
      return this.#credentials.username !== undefined && before?.scheme !== 'basic';
    }
    const token = refused?.replace(/^Bearer /, '') ?? '';
    await this.parts.tokens.forget(this.#tokenRequest(challenge, undefined), token);
    for (const scope of (challenge.parameters['scope'] ?? '').split(' ')) {
      if (scope !== '') this.#scopes.add(scope);
    }
    return true;
  }

  async #follow(ask: Ask, first: URL): Promise<Sent> {
    let url = first;
    const seen = new Set<string>();
    for (;;) {
      const { answer, authorization } = await this.#send(ask, url);
      const to = answer.headers.location;
      if (!REDIRECTS.has(answer.status) || to === undefined || ask.good.includes(answer.status)) {
        return { answer, authorization };
      }
      await readStart(answer.body);
      seen.add(url.href);
      url = this.#redirected(ask, url, to);
      if (seen.has(url.href) || seen.size > MAX_REDIRECTS) {
        const why = `it redirects in a circle (${seen.size} times)`;
        throw new RegistryProblem('refused', `${this.#name(ask.method, first)}: ${why}`);
      }
    }
  }

  #redirected(ask: Ask, from: URL, to: string): URL {
    const url = URL.canParse(to, from.href) ? new URL(to, from) : undefined;
    const isDowngrade = from.protocol === 'https:' && url?.protocol === 'http:';
    if (url !== undefined && /^https?:$/.test(url.protocol) && !isDowngrade) return url;
    const why = isDowngrade ? 'from TLS to no TLS' : 'to what is no URL';
    throw new RegistryProblem('refused', `${this.#name(ask.method, from)}: it redirects ${why}`);
  }

  async #send(ask: Ask, url: URL): Promise<Sent> {
    const { method, headers = {}, body, signal } = ask;
    // Credentials are for the registry alone: storage behind a redirect must not see them.
    const isOurs = url.origin === this.#origin;
    const authorization = isOurs ? await this.#authorization(signal) : undefined;
    const isSameHost = url.hostname === new URL(this.#origin ?? '').hostname;
    const tls = isSameHost ? this.endpoint.tls : { ...this.endpoint.tls, skipVerify: false };
    const outgoing = {
      method,
      url,
      headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(body === undefined ? {} : { body: body() }),
      tls,
      signal,
    };
    try {
      return { answer: await this.parts.transport.send(outgoing), authorization };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw networkProblem(this.#name(method, url), url.host, error);
    }
  }

  async #authorization(signal: AbortSignal | undefined): Promise<string | undefined> {
    const { registryToken, username, password = '' } = this.#credentials;
    if (registryToken !== undefined) return `Bearer ${registryToken}`;
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    if (challenge.scheme === 'basic') {
      return username === undefined ? undefined : basic(username, password);
    }
    return `Bearer ${await this.parts.tokens.get(this.#tokenRequest(challenge, signal))}`;
  }

  #tokenRequest({ parameters }: Challenge, signal: AbortSignal | undefined): TokenRequest {
    return {
      realm: parameters['realm'] ?? '',
      service: parameters['service'],
      scopes: [...this.#scopes],
      credentials: this.#credentials,
      registry: { origin: this.#origin ?? '', tls: this.endpoint.tls },
      signal,
    };
  }

  /** How errors name a request: without a query, which may hold a signature. */
  #name(method: string, { origin, pathname }: URL): string {
    return `${method} ${origin}${pathname}`;
  }
}
