/** An archive from a web server, as a stream that begins when the server has answered well. */
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { failure } from '#api/resources/status.ts';

const MAX_REDIRECTS = 5;
const IDLE_MS = 30_000;

/** @throws StatusError that names the URL without its query, which may hold a signature */
export async function fetched(
  url: string,
  onProgress: (doneBytes: number, totalBytes: number) => void,
  signal: AbortSignal,
): Promise<Readable> {
  const response = await follow(new URL(url), signal);
  const total = Number(response.headers['content-length'] ?? 0);
  let done = 0;
  const counted = new PassThrough();
  counted.on('data', (piece: Buffer) => {
    done += piece.length;
    onProgress(done, Math.max(total, done));
  });
  // Whoever reads it learns of its failure.
  pipeline(response, counted, () => undefined);
  return counted;
}

async function follow(first: URL, signal: AbortSignal): Promise<IncomingMessage> {
  let url = first;
  for (let hops = 0; ; hops++) {
    const response = await ask(url, signal).catch((error: Error) => {
      throw problem(url, error.message);
    });
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    const { location = '' } = headers;
    const isRedirect = statusCode >= 301 && statusCode <= 308 && URL.canParse(location, url.href);
    if (!isRedirect) throw problem(url, `answered ${statusCode}`);
    if (hops >= MAX_REDIRECTS) throw problem(url, `redirects more than ${MAX_REDIRECTS} times`);
    const next = new URL(location, url);
    const isDowngrade = url.protocol === 'https:' && next.protocol !== 'https:';
    if (isDowngrade) throw problem(url, 'redirects from TLS to no TLS');
    url = next;
  }
}

function ask(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (!/^https?:$/.test(url.protocol)) throw new Error('is neither http nor https');
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    const request = get(url, { signal, timeout: IDLE_MS, headers: { 'user-agent': 'bayplan' } });
    let answered: IncomingMessage | undefined;
    request.on('response', (response) => {
      answered = response;
      resolve(response);
    });
    const silent = new Error(`no byte came for ${IDLE_MS / 1000} s`);
    request.on('timeout', () => (answered ?? request).destroy(silent));
    request.on('error', reject);
  });
}

const problem = ({ origin, pathname }: URL, why: string) =>
  failure(502, 'BadGateway', `fetch ${origin}${pathname}: ${why}`);
