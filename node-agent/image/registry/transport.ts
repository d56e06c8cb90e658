/** HTTP to registries: kept connections, proxies of the environment, own CAs, and an end to waiting. */

import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { trusting } from './authorities.ts';

export interface TlsSettings {
  /** PEM text of CAs trusted besides the machine's. */
  readonly ca?: string;
  readonly skipVerify?: boolean;
}

export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Streams need a `content-length` in the headers. */
  readonly body?: Buffer | Readable;
  readonly tls: TlsSettings;
  readonly signal?: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  readonly url: URL;
}

export interface TransportOptions {
  /** A connection that moves no byte for so long is given up. */
  readonly idleMs?: number;
  /** Where HTTP_PROXY, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are read. */
  readonly env?: NodeJS.ProcessEnv;
}

const USER_AGENT = 'bayplan/0.1';

export class Transport {
  readonly #idleMs: number;
  readonly #env: NodeJS.ProcessEnv;
  readonly #agents = new Map<string, Promise<http.Agent>>();

  constructor({ idleMs = 30_000, env = process.env }: TransportOptions = {}) {
    this.#idleMs = idleMs;
    this.#env = env;
  }

  /** One request, one answer; redirects are not followed. Rejects with what the connection died of. */
  async send({ method, url, headers = {}, body, tls, signal }: Outgoing): Promise<Answer> {
    const agent = await this.#agent(url.protocol, tls);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const options = {
        method,
        headers: { 'user-agent': USER_AGENT, ...headers },
        agent,
        ...(signal === undefined ? {} : { signal }),
      };
      const request =
        url.protocol === 'https:' ? https.request(url, options) : http.request(url, options);
      let answered: IncomingMessage | undefined;
      request.setTimeout(this.#idleMs, () => {
        // Whoever reads the body learns of it only through the body.
        const seconds = this.#idleMs / 1000;
        (answered ?? request).destroy(new Error(`no byte came or went for ${seconds} s`));
      });
      request.on('response', (response) => {
        answered = response;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: response,
          url,
        });
      });
      request.on('error', reject);
      if (body === undefined || Buffer.isBuffer(body)) request.end(body);
      // A failure of the file must reach whoever waits for the answer.
      else pipeline(body, request, (error) => error && reject(error));
    });
  }

  close(): void {
    const nothing = () => undefined; // of one that could not be made, whoever sent knows
    for (const agent of this.#agents.values()) void agent.then((made) => made.destroy(), nothing);
  }

  #agent(protocol: string, tls: TlsSettings): Promise<http.Agent> {
    const key = `${protocol} ${tls.skipVerify === true} ${tls.ca ?? ''}`;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = this.#made(protocol, tls);
      this.#agents.set(key, agent);
    }
    return agent;
  }

  async #made(protocol: string, { ca, skipVerify = false }: TlsSettings): Promise<http.Agent> {
    const kept = { keepAlive: true, timeout: this.#idleMs, proxyEnv: this.#env };
    if (protocol !== 'https:') return new http.Agent(kept);
    // Made once: a context made for each connection would read all CAs each time.
    const secureContext = await trusting(ca, this.#env);
    return new https.Agent({ ...kept, secureContext, rejectUnauthorized: !skipVerify });
  }
}
