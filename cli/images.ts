/** The images of the cluster's nodes, through the API server: what the commands about images share. */
import { createInterface } from 'node:readline';
import type { RemoteClient } from '#api/client/client.ts';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import { clientOptions, UsageError } from './arguments.ts';
import { loginOf, type StoredLogin, serverKey } from './registry-login/login.ts';

/** Options of every command about images. */
export const imageOptions = { ...clientOptions, node: { type: 'string' } } as const;

/** Options of `pull` and `push`. */
export const transferOptions = {
  ...imageOptions,
  quiet: { type: 'boolean', short: 'q' },
  creds: { type: 'string' },
} as const;

export interface ListedImage {
  readonly id: string;
  readonly digest: string;
  readonly tags: readonly string[];
  readonly repoDigests?: readonly string[];
  readonly sizeBytes: number;
  readonly createdAt?: string;
  readonly config?: { readonly labels?: Readonly<Record<string, string>> };
}

/** A line of `POST images/pull` or `push` (node-agent/server/image-transfers.ts). */
export interface TransferLine {
  readonly layer?: string;
  readonly status?: 'waiting' | 'downloading' | 'unpacking' | 'uploading' | 'present' | 'done';
  readonly bytes?: number;
  readonly total?: number;
  readonly image?: ListedImage;
  readonly digest?: string;
  readonly error?: { readonly code: number; readonly reason: string; readonly message: string };
}

/** The nodes asked: the one named, or all. */
export async function nodeNames(
  client: RemoteClient,
  named: string | undefined,
): Promise<string[]> {
  if (named !== undefined) return [named];
  const { items } = await client.collection<Node>(nodes).list();
  return items.map(({ metadata }) => metadata.name);
}

/** The path of a node's images, `rest` below it. */
export const imagesPath = (node: string, rest: string): string =>
  `/api/v1/nodes/${node}/proxy/images${rest}`;

export function imagesOf(client: RemoteClient, node: string): Promise<ListedImage[]> {
  return client.request('GET', imagesPath(node, '')) as Promise<ListedImage[]>;
}

/** The nodes that hold an image under exactly this name or ID (or its start). */
export async function nodesWith(
  client: RemoteClient,
  names: readonly string[],
  tag: string,
): Promise<string[]> {
  const found: string[] = [];
  for (const node of names) {
    const images = await imagesOf(client, node);
    if (images.some(({ tags }) => tags.includes(tag))) found.push(node);
  }
  return found;
}

/** The header Docker's clients send. */
export const loginHeader = (login: StoredLogin): Record<string, string> => ({
  'x-registry-auth': Buffer.from(JSON.stringify(login)).toString('base64url'),
});

/** With `--creds USER:PASSWORD`, else the login that `bay login` keeps for the image's registry; none is none. */
export async function loginHeaders(
  creds: string | undefined,
  reference: string,
): Promise<Record<string, string>> {
  if (creds === undefined) {
    const login = await loginOf(serverKey(fullName(reference)));
    return login === undefined ? {} : loginHeader(login);
  }
  const colon = creds.indexOf(':');
  if (colon < 1) throw new UsageError('--creds: write USER:PASSWORD');
  return loginHeader({ username: creds.slice(0, colon), password: creds.slice(colon + 1) });
}

/**
 * Has a node pull or push; each line goes to `onLine` as it comes. Resolves with the last one, throws what it says if that
 * is an error.
 */
export async function transfer(
  client: RemoteClient,
  path: string,
  headers: Record<string, string>,
  onLine: (line: TransferLine) => void,
): Promise<TransferLine> {
  const answer = await client.streamRequest('POST', path, undefined, { headers });
  let last: TransferLine = {};
  for await (const text of createInterface({ input: answer })) {
    last = JSON.parse(text) as TransferLine;
    if (last.error !== undefined) throw new Error(last.error.message);
    onLine(last);
  }
  if (last.image !== undefined || last.digest !== undefined) return last;
  throw new Error('the connection to the node broke off before the end; run the command again');
}

/** The full form of a name, as the nodes keep it: `busybox` is `docker.io/library/busybox:latest`. */
export function fullName(text: string): string {
  const [name = '', digest] = text.split('@');
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const hasDomain = /[.:A-Z]/.test(first) || first === 'localhost';
  const inHub = slash === -1 ? `docker.io/library/${name}` : `docker.io/${name}`;
  const full = hasDomain ? name.replace(/^index\.docker\.io\//, 'docker.io/') : inHub;
  if (digest !== undefined) return `${full}@${digest}`;
  return /:[^/]*$/.test(full.slice(full.indexOf('/'))) ? full : `${full}:latest`;
}

/** `docker.io/library/busybox:1` → `busybox` and `1`, as `docker images` shows it. */
export function shortName(tag: string): { readonly repository: string; readonly tag: string } {
  const colon = tag.lastIndexOf(':');
  const repository = tag.slice(0, colon).replace(/^docker\.io\/(library\/)?/, '');
  return { repository, tag: tag.slice(colon + 1) };
}

/** Twelve digits of an ID or digest. */
export const shortId = (id: string): string => id.replace(/^sha\d+:/, '').slice(0, 12);

/** Docker's way to write sizes (docker/go-units, HumanSizeWithPrecision 3): `1.98MB`. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(3))}${units[unit]}`;
}
