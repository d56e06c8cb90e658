/** The first word with a registry, `GET /v2/`: whether it is one, whether it speaks TLS, what it wants of who asks. */

import { readStart } from './body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Endpoint } from './endpoint.ts';
import { answerProblem, isNotTls, networkProblem, RegistryProblem } from './problem.ts';
import type { Answer, Transport } from './transport.ts';

export interface Greeted {
  readonly origin: string;
  readonly challenge: Challenge | undefined;
}

/** What a registry said of itself is believed for this long. */
const BELIEVED_MS = 5 * 60_000;

export class Greeting {
  readonly #transport: Transport;
  readonly #greeted = new Map<string, { readonly at: number; readonly greeted: Greeted }>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws RegistryProblem */
  async of(endpoint: Endpoint, signal?: AbortSignal): Promise<Greeted> {
    const key = JSON.stringify([endpoint.origin, endpoint.tls, endpoint.mayBeHttp]);
    const known = this.#greeted.get(key);
    if (known !== undefined && Date.now() - known.at < BELIEVED_MS) return known.greeted;
    const greeted = await this.#greet(endpoint, signal);
    this.#greeted.set(key, { at: Date.now(), greeted });
    return greeted;
  }

  async #greet(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Greeted> {
    const { origin } = endpoint;
    try {
      return await this.#hear(endpoint, origin, signal);
    } catch (error) {
      const isPlain = error instanceof RegistryProblem && isNotTls(error.cause);
      if (!endpoint.mayBeHttp || !isPlain) throw error;
      return this.#hear(endpoint, origin.replace('https:', 'http:'), signal);
    }
  }

  async #hear(
    { tls }: Endpoint,
    origin: string,
    signal: AbortSignal | undefined,
  ): Promise<Greeted> {
    const url = new URL('/v2/', origin);
    const request = `GET ${url.href}`;
    const answer = await this.#transport
      .send({ method: 'GET', url, tls, signal })
      .catch((error: unknown) => {
        if (signal?.aborted === true) throw error;
        throw networkProblem(request, url.host, error);
      });
    const [challenge] = parseChallenges(answer.headers['www-authenticate']);
    if (answer.status === 401 && challenge !== undefined) {
      await readStart(answer.body);
      return { origin, challenge };
    }
    // Some serve their repositories but not this path.
    if (answer.status >= 500 || answer.status === 429) throw await answerProblem(request, answer);
    await mustNotBePage(request, answer);
    return { origin, challenge: undefined };
  }
}

async function mustNotBePage(request: string, { status, headers, body }: Answer): Promise<void> {
  await readStart(body);
  if (status !== 200 || headers['content-type']?.startsWith('text/html') !== true) return;
  throw new RegistryProblem('refused', `${request}: answered a web page: this is no registry`);
}
