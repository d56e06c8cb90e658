/** The request's body, whole, up to Kubernetes' limit. */
import { failure, type StatusError } from '#api/resources/status.ts';
import type { Exchange } from './exchange.ts';

/** `MaxRequestBodyBytes` of kube-apiserver. */
export const bodyBytesMax = 3 * 1024 * 1024;

function tooLarge(): StatusError {
  const message = `Request entity too large: limit is ${bodyBytesMax}`;
  return failure(413, 'RequestEntityTooLarge', message);
}

/** What a client that sends at all sends in this time; else it keeps a stream and buffers for nothing. */
const quietMs = 30_000;
/** Nobody takes so long for 3 MiB: 50 KiB/s. kube-apiserver's `--request-timeout` is as long. */
const wholeMs = 60_000;

export interface BodyLimits {
  readonly quietMs: number;
  readonly wholeMs: number;
}

export const bodyLimits: BodyLimits = { quietMs, wholeMs };

function tooSlow(): StatusError {
  return failure(408, 'Timeout', 'the request body did not come in time');
}

/** Reads the body. Throws 413, and 408 if it comes too slowly; what comes after that is thrown away. */
export async function readBody(
  { body, headers }: Pick<Exchange, 'body' | 'headers'>,
  limits: BodyLimits = bodyLimits,
): Promise<Buffer> {
  if (Number(headers['content-length'] ?? 0) > bodyBytesMax) {
    body.resume();
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  let quiet: NodeJS.Timeout | undefined;
  let whole: NodeJS.Timeout | undefined;
  const done = () => {
    clearTimeout(quiet);
    clearTimeout(whole);
  };
  // Not `for await`: leaving that loop early would destroy the stream that the answer goes out on.
  return new Promise<Buffer>((resolve, reject) => {
    const late = () => {
      chunks.length = 0;
      bytes = Number.POSITIVE_INFINITY;
      reject(tooSlow());
    };
    whole = setTimeout(late, limits.wholeMs);
    quiet = setTimeout(late, limits.quietMs);
    body.on('data', (chunk: Buffer) => {
      quiet?.refresh();
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else if (chunks.length > 0) {
        chunks.length = 0;
        reject(tooLarge());
      }
    });
    body.once('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    body.once('error', reject);
    body.once('close', () => {
      // Every request's body closes; only one that has not ended was cut off.
      if (!body.readableEnded) reject(failure(400, 'BadRequest', 'the request body was cut off'));
    });
  }).finally(done);
}
