/** Which image of a node a person means. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { fullName, imagesPath, type ListedImage, nodeNames } from './images.ts';

/** By name, digest or the beginning of an ID. */
export function holds({ id, digest, tags }: ListedImage, text: string): boolean {
  const digits = text.replace(/^sha(?:256|512):/, '');
  const starts = digits === text ? [`sha256:${text}`, `sha512:${text}`] : [text];
  const isHex = /^[a-f0-9]{4,}$/.test(digits);
  if (isHex && starts.some((start) => id.startsWith(start) || digest === start)) return true;
  const full = fullName(text);
  // A short name means our own images, too, as the nodes find them.
  const own = text.includes('/') ? full : full.replace(/^docker\.io\/library\//, 'bayplan.local/');
  return [text, full, own].some((name) => tags.includes(name));
}

/** Asks the nodes one after the other; the first that has the image answers. */
export async function askHolder(
  client: RemoteClient,
  named: string | undefined,
  rest: string,
): Promise<unknown> {
  let missing: unknown = new Error('the cluster has no node that could be asked');
  for (const node of await nodeNames(client, named)) {
    try {
      return await client.request('GET', imagesPath(node, rest));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      missing = error;
    }
  }
  throw missing;
}
