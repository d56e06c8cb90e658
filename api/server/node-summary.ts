/** An agent's counts, over its API. */
import { request } from 'node:https';
import type { WatchCache } from '../storage/watch-cache.ts';
import { isSummary, type Sample } from '../usage/usage.ts';
import { connectOptions, nodeBackend } from './streams/backend.ts';
import type { Forwarding } from './streams/forward.ts';

/** A node of many pods has some hundred KiB. */
const summaryBytesMax = 16 * 1024 * 1024;
const answerMs = 5000;

/** Asks the node. Rejects if it does not answer in time, or with something else. */
export async function nodeSample(
  cache: WatchCache,
  { identity }: Forwarding,
  node: string,
): Promise<Sample> {
  const backend = nodeBackend(cache, node, '/stats/summary');
  const signal = AbortSignal.timeout(answerMs);
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ ...connectOptions(backend, identity, false), signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > summaryBytesMax) asked.destroy(new Error('the summary does not end'));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString());
        else reject(new Error(`the node answered ${response.statusCode}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
  const summary: unknown = JSON.parse(text);
  if (!isSummary(summary)) throw new Error('the node sent no summary');
  return { node, timeMs: Date.now(), summary };
}
