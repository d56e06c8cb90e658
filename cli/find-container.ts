/** Which container a person means: by its name, the name `bay rename` gave it, its ID or the beginning of that. */
import { createHash } from 'node:crypto';
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { type Container, containersOf } from './container.ts';

/** On a document: what the container is called, where that is not the document's own name. */
export const nameLabel = 'bayplan.dev/name';

/** What a person calls the container. */
export const nameOf = ({ metadata }: Container): string =>
  metadata.labels?.[nameLabel] ?? metadata.name;

/** 64 hexadecimal digits, the same as long as the document lives (controller/container/status.ts). */
export const idOf = ({ metadata }: Container): string =>
  createHash('sha256')
    .update(metadata.uid ?? '')
    .digest('hex');

export class NoSuchContainer extends Error {
  override readonly name = 'NoSuchContainer';

  constructor(text: string) {
    super(`No such container: ${text}`);
  }
}

/** The container of this name; undefined when there is none. */
export async function findByName(
  client: RemoteClient,
  name: string,
  namespace: string,
): Promise<Container | undefined> {
  const all = containersOf(client);
  const [own, renamed] = await Promise.all([byOwnName(client, name, namespace), labelled()]);
  return own !== undefined && nameOf(own) === name ? own : renamed;

  async function labelled() {
    if (!/^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(name)) return undefined;
    const { items } = await all.list({ namespace, labelSelector: `${nameLabel}=${name}` });
    return items[0];
  }
}

async function byOwnName(client: RemoteClient, name: string, namespace: string) {
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) return undefined;
  return containersOf(client)
    .get({ name, namespace })
    .catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
}

/** @throws NoSuchContainer, or Error when an ID's beginning is that of several */
export async function findContainer(
  client: RemoteClient,
  text: string,
  namespace: string,
): Promise<Container> {
  const found = await tryFindContainer(client, text, namespace);
  if (found !== undefined) return found;
  throw new NoSuchContainer(text);
}

/** The same; undefined when there is none. */
export async function tryFindContainer(
  client: RemoteClient,
  text: string,
  namespace: string,
): Promise<Container | undefined> {
  // A document's own name is the usual case: one request.
  const own = await byOwnName(client, text, namespace);
  if (own !== undefined && nameOf(own) === text) return own;
  const { items } = await containersOf(client).list({ namespace });
  const renamed = items.find((one) => nameOf(one) === text);
  if (renamed !== undefined) return renamed;
  const matching = /^[a-f0-9]{2,64}$/.test(text)
    ? items.filter((one) => idOf(one).startsWith(text))
    : [];
  if (matching.length < 2) return matching[0];
  throw new Error(`Multiple IDs found with provided prefix: ${text}`);
}
