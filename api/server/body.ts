/** The request's body, whole, up to Kubernetes' limit. */
import { failure, type StatusError } from '#api/resources/status.ts';
import type { Exchange } from './exchange.ts';

/** `MaxRequestBodyBytes` of kube-apiserver. */
export const bodyBytesMax = 3 * 1024 * 1024;

function tooLarge(): StatusError {
  const message = `Request entity too large: limit is ${bodyBytesMax}`;
  return failure(413, 'RequestEntityTooLarge', message);
}

/** Reads the body. Throws 413; what comes after the limit is thrown away. */
export async function readBody({ body, headers }: Exchange): Promise<Buffer> {
  if (Number(headers['content-length'] ?? 0) > bodyBytesMax) {
    body.resume();
    throw tooLarge();
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not `for await`: leaving that loop early would destroy the stream that the answer goes out on.
  return new Promise((resolve, reject) => {
    body.on('data', (chunk: Buffer) => {
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
    body.once('close', () => reject(failure(400, 'BadRequest', 'the request body was cut off')));
  });
}
