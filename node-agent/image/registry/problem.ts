/** What can go wrong between a registry and us, told so that a person knows what to do. */

import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { printable } from '../archive-error.ts';
import { ImageError } from '../images.ts';
import { readStart } from './body.ts';
import type { Answer } from './transport.ts';

/** `temporary`: trying again may help. `content`: what came is not what it should be. `refused`: trying again does not help. */
export type ProblemKind = 'temporary' | 'content' | 'refused';

export class RegistryProblem extends Error {
  override readonly name = 'RegistryProblem';
  readonly kind: ProblemKind;
  /** The HTTP status; absent when there was no answer. */
  readonly status: number | undefined;
  /** How long the registry asks to wait. */
  readonly retryAfterMs: number | undefined;
  readonly advice: string;

  constructor(
    kind: ProblemKind,
    message: string,
    facts: {
      readonly status?: number;
      readonly retryAfterMs?: number | undefined;
      readonly advice?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.kind = kind;
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
    this.advice = facts.advice ?? '';
  }
}

const TEMPORARY_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The problem that an answer with an unwelcome status is; reads the registry's own words from its body. */
export async function answerProblem(request: string, answer: Answer): Promise<RegistryProblem> {
  const { status, headers } = answer;
  const words = registryWords(await readStart(answer.body));
  const title = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  const limit = status === 429 ? rateLimit(headers) : '';
  const message = `${request}: answered ${title}${words === '' ? '' : ` (${words})`}${limit}`;
  return new RegistryProblem(TEMPORARY_STATUS.has(status) ? 'temporary' : 'refused', message, {
    status,
    retryAfterMs: retryAfter(headers['retry-after']),
    advice: statusAdvice(status, answer.url.host),
  });
}

/** `{"errors":[{"code","message"}]}` (distribution-spec, "Error Codes"), or the start of whatever else it is. */
function registryWords(body: string): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] };
    const told = (errors ?? []).map(({ code, message }) =>
      [code, message].filter((part) => typeof part === 'string' && part !== '').join(': '),
    );
    if (told.length > 0) return printable(told.join('; '));
  } catch {
    // Not JSON: a proxy's page, most likely.
  }
  const text = body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return printable(text.slice(0, 200));
}

/**
 * What the registry says of its limits: `RateLimit-Limit: 100;w=21600` (Docker Hub), bare numbers (the header's draft 3 to 6),
 * `RateLimit-Reset` in seconds.
 */
function rateLimit(headers: IncomingHttpHeaders): string {
  const of = (name: string): string => {
    const found = headers[`ratelimit-${name}`] ?? headers[`x-ratelimit-${name}`];
    return /^\d+(;w=\d+)?/.exec(String(found ?? ''))?.[0] ?? '';
  };
  const [limit = '', window] = of('limit').split(';w=');
  const [left = ''] = of('remaining').split(';');
  const reset = of('reset');
  const told = [
    limit === '' ? '' : `${limit} requests${window === undefined ? '' : ` in ${duration(window)}`}`,
    left === '' ? '' : `${left} left`,
    reset === '' ? '' : `again in ${duration(reset)}`,
  ].filter((part) => part !== '');
  return told.length === 0 ? '' : `; its limit: ${told.join(', ')}`;
}

function duration(seconds: string): string {
  const s = Number(seconds);
  if (s >= 7200) return `${Math.round(s / 3600)} h`;
  return s >= 120 ? `${Math.round(s / 60)} min` : `${s} s`;
}

/** Seconds or a date (RFC 9110 10.2.3). */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function statusAdvice(status: number, host: string): string {
  if (status === 401 || status === 403) {
    return `give credentials for ${host}: 'bay login ${host}', or an imagePullSecret`;
  }
  if (status === 404) return 'check the name and the tag; a private repository may need a login';
  if (status === 429)
    return 'the limit of the registry is reached: wait, or log in for a higher one';
  if (status >= 500) return 'the registry has a fault: try again later';
  return '';
}

const NETWORK_ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name is unknown: check it, the DNS and the proxy settings',
  EAI_AGAIN: 'the name cannot be looked up now: check the DNS and the proxy settings',
  ECONNREFUSED: 'nothing listens there: check the name and the port',
  EHOSTUNREACH: 'check the network and the proxy settings',
  ENETUNREACH: 'check the network and the proxy settings',
  ERR_PROXY_TUNNEL: 'check HTTPS_PROXY and NO_PROXY',
};
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/;
const NO_TLS = /WRONG_VERSION_NUMBER|packet length too long|EPROTO/;

/** The problem that a failed connection is. */
export function networkProblem(request: string, host: string, cause: unknown): RegistryProblem {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  // Node's advice is for whoever starts Node.
  const text = `${request}: ${message.replace(/; if the root CA is installed locally.*$/, '')}`;
  if (CERTIFICATE.test(code)) {
    const advice = `its certificate is not trusted: name the CA's file as "ca" of "${host}" in registries.json`;
    return new RegistryProblem('refused', text, { cause, advice });
  }
  if (isNotTls(cause)) {
    const advice = `it does not speak TLS: set "insecure": "http" for "${host}" in registries.json`;
    return new RegistryProblem('refused', text, { cause, advice });
  }
  const advice = NETWORK_ADVICE[code] ?? '';
  const kind = code === 'ENOTFOUND' ? 'refused' : 'temporary';
  return new RegistryProblem(kind, text, { cause, advice });
}

/** Whether the other side answered a TLS greeting with something else. */
export function isNotTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  return NO_TLS.test(code) || NO_TLS.test(message);
}

/** The error others see; `what` is the whole operation: `pull docker.io/library/busybox:latest`. */
export function imageError(what: string, error: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return new ImageError('Cancelled', `${what}: cancelled`);
  if (error instanceof RegistryProblem) {
    const { status, message, advice } = error;
    const text = `${what}: ${message}${advice === '' ? '' : `; ${advice}`}`;
    if (status === 401 || status === 403)
      return new ImageError('Unauthorized', text, { cause: error });
    return new ImageError(status === 404 ? 'NotFound' : 'Registry', text, { cause: error });
  }
  if (error instanceof ImageError && !error.message.startsWith(what)) {
    return new ImageError(error.code, `${what}: ${error.message}`, { cause: error });
  }
  return error;
}
