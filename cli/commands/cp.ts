/** `bay cp`: files between this machine and a container, by docker's rules. */
import { lstat, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, posix, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { documentOf, filesPath } from '../files.ts';
import { packed, parentExists, unpacked } from '../local-tar.ts';

const options = {
  ...clientOptions,
  archive: { type: 'boolean', short: 'a' },
  'follow-link': { type: 'boolean', short: 'L' },
  quiet: { type: 'boolean', short: 'q' },
  container: { type: 'string', short: 'c' },
} as const;

interface Remote {
  readonly client: RemoteClient;
  readonly text: string;
  readonly namespace: string;
  readonly container?: string;
}

interface Stat {
  readonly mode: number;
  readonly linkTarget: string;
}

interface Flags {
  readonly archive: boolean;
  readonly follow: boolean;
}

const isDirectory = ({ mode }: Stat): boolean => mode >= 2 ** 31;
const isLink = ({ mode }: Stat): boolean => (mode & (2 ** 27)) !== 0 && mode < 2 ** 31;
const endsAsDirectory = (path: string): boolean => /(^|\/)\.?$/.test(path);

/** `NAME:PATH`; a local path may be written `./a:b`. */
export function splitPath(text: string): { readonly name?: string; readonly path: string } {
  if (text.startsWith('/') || text.startsWith('.')) return { path: text };
  const colon = text.indexOf(':');
  if (colon <= 0) return { path: text };
  return { name: text.slice(0, colon), path: text.slice(colon + 1) };
}

const archivePath = ({ text, namespace, container }: Remote, query: Record<string, string>) =>
  filesPath(
    { text, namespace, ...(container === undefined ? {} : { container }) },
    'archive',
    new URLSearchParams(query),
  );

async function remoteStat(remote: Remote, path: string): Promise<Stat | undefined> {
  try {
    const asked = archivePath(remote, { path, stat: 'true' });
    return (await remote.client.request('GET', asked)) as Stat;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  const [from, to] = positionals;
  if (from === undefined || to === undefined || positionals.length > 2) {
    throw new UsageError(
      'say what to copy where: bay cp NAME:PATH LOCAL|- or bay cp LOCAL|- NAME:PATH',
    );
  }
  const [source, target] = [splitPath(from), splitPath(to)];
  if (source.name !== undefined && target.name !== undefined) {
    throw new Error('copying between containers is not supported');
  }
  const name = source.name ?? target.name;
  if (name === undefined) throw new UsageError('must specify at least one container source');
  const flags = { archive: values.archive === true, follow: values['follow-link'] === true };
  const client = await openClient(values);
  try {
    const { namespace = 'default', container } = values;
    const document = await documentOf(client, name, namespace);
    const chosen = container === undefined ? {} : { container };
    const remote = { client, text: document, namespace, ...chosen };
    if (source.name === undefined) await copyIn(source.path, remote, target.path, flags);
    else await copyOut(remote, source.path, target.path, flags);
    return 0;
  } finally {
    client.close();
  }
}

async function copyOut(remote: Remote, asked: string, local: string, flags: Flags) {
  let path = asked;
  if (local !== '-' && !(await parentExists(resolve(local)))) {
    throw new Error(`invalid output path: directory "${dirname(resolve(local))}" does not exist`);
  }
  let facts = await remoteStat(remote, path);
  if (facts !== undefined && flags.follow && isLink(facts)) {
    path = facts.linkTarget;
    facts = await remoteStat(remote, path);
  }
  if (facts === undefined) {
    throw new Error(`Could not find the file ${path} in container ${remote.text}`);
  }
  const get = (query: Record<string, string>) =>
    remote.client.streamRequest('GET', archivePath(remote, { path, ...query }));
  if (local === '-') return pipeline(await get({}), process.stdout);
  const own = posix.basename(posix.resolve('/', asked));
  const place = await placeLocally(local, isDirectory(facts));
  const isContent = path.endsWith('/.') || posix.resolve('/', path) === '/';
  const name = place.name ?? (isContent ? '' : own);
  await unpacked(await get({ name }), place.directory, { owners: flags.archive });
}

/** Where links lead, to something or to nothing; a file is never written in place of a link. */
async function linked(path: string, left = 40): Promise<string> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isSymbolicLink() !== true) return path;
  if (left === 0) throw new Error(`${path}: too many symbolic links`);
  return linked(resolve(dirname(path), await readlink(path)), left - 1);
}

/** Where it goes, and under which name; without one, under its own. */
async function placeLocally(local: string, isTree: boolean) {
  const path = await linked(resolve(local));
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory() === true) return { directory: await realpath(path) };
  if (facts === undefined && !isTree && local.endsWith('/')) {
    throw new Error(`${local}: no such directory`);
  }
  if (facts !== undefined && isTree) throw new Error(`${local}: cannot copy directory`);
  if (facts !== undefined && local.endsWith('/')) throw new Error(`${local}: not a directory`);
  return { directory: await realpath(dirname(path)), name: basename(path) };
}

async function sourceFacts(local: string, follow: boolean) {
  const facts = await (follow ? stat(local) : lstat(local)).catch((error: unknown) => {
    const isFile = (error as NodeJS.ErrnoException).code === 'ENOTDIR';
    const why = isFile ? 'not a directory' : 'no such file or directory';
    throw new Error(`lstat ${resolve(local)}: ${why}`);
  });
  if (facts.isSocket()) throw new Error(`${local}: a socket cannot be copied`);
  return facts;
}

async function copyIn(local: string, remote: Remote, asked: string, flags: Flags) {
  if (local === '') throw new Error('source can not be empty');
  if (asked === '') throw new Error(`destination "${remote.text}:" can not be empty`);
  let path = asked.startsWith('/') ? asked : `/${asked}`;
  let facts = await remoteStat(remote, path);
  if (facts !== undefined && isLink(facts)) {
    path = facts.linkTarget;
    facts = await remoteStat(remote, path);
  }
  const put = (directory: string, body: ReturnType<typeof packed>, owners: boolean) =>
    send(remote, { path: directory, owners }, body);
  if (local === '-') {
    if (facts === undefined || !isDirectory(facts)) {
      throw new Error(`destination "${remote.text}:${asked}" must be a directory`);
    }
    return put(path, process.stdin as never, true);
  }
  const source = await sourceFacts(local, flags.follow);
  const isTree = source.isDirectory() || /\/\.?$/.test(local);
  const follow = flags.follow || local.endsWith('/');
  const own = local.endsWith('/.') || local === '.' ? '' : basename(resolve(local));
  if (facts !== undefined && isDirectory(facts)) {
    return put(path, packed(local, own, { follow }), flags.archive);
  }
  if (facts !== undefined && isTree) throw new Error(`${asked}: cannot copy directory`);
  if (!isTree && endsAsDirectory(asked)) throw new Error(`${asked}: no such directory`);
  const whole = posix.resolve('/', path);
  const name = posix.basename(whole);
  return put(posix.dirname(whole), packed(local, name, { follow }), flags.archive);
}

async function send(
  remote: Remote,
  { path, owners }: { readonly path: string; readonly owners: boolean },
  body: ReturnType<typeof packed>,
): Promise<void> {
  const query = { path, noOverwriteDirNonDir: 'true', copyUIDGID: String(owners) };
  const headers = { 'content-type': 'application/x-tar' };
  const answer = await remote.client.streamRequest('PUT', archivePath(remote, query), body, {
    headers,
  });
  for await (const _ of answer);
}
