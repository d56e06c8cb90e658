/**
 * `docker cp` at the node's end: a path of a container as a tar, a tar into a directory of it. No program runs inside, and no
 * link leads out: every path is opened by the kernel as if the container's root were the only one.
 */
import { once } from 'node:events';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { badRequest, failure } from '#api/resources/status.ts';
import { type NodeFacts, statIn, streamTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import { decompressed } from '../image/decompress.ts';
import { type Call, sendJson } from '../server/node-api.ts';
import { inTree, type OperationsWorld, type Place } from './place.ts';

const limits = { maxBytes: 2 ** 40, maxEntries: 16_000_000 };

/** Go's os.FileMode, which Docker's clients read. */
const goKinds: Readonly<Record<NodeFacts['kind'], number>> = {
  file: 0,
  directory: 2 ** 31,
  link: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
};

/** The mode as Go has it: kind and special bits above the nine of permissions. */
export function goMode({ kind, mode }: Pick<NodeFacts, 'kind' | 'mode'>): number {
  const special =
    (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return goKinds[kind] + special + (mode & 0o777);
}

function pathOf({ query }: Call): string {
  const path = query.get('path');
  if (path === null || path === '') throw badRequest('the query has no path');
  if (path.includes('\0')) throw badRequest('path: a NUL byte cannot be in a name');
  return path.startsWith('/') ? path : `/${path}`;
}

/** What Docker's clients are told of a path; in a header as base64 of JSON. */
function pathStat(path: string, facts: NodeFacts) {
  const { sizeBytes, mtimeMs, target = '' } = facts;
  const linkTarget = facts.kind === 'link' ? posix.resolve(posix.dirname(path), target) : '';
  return {
    name: posix.basename(posix.resolve('/', path)) || '/',
    size: sizeBytes,
    mode: goMode(facts),
    mtime: new Date(mtimeMs).toISOString(),
    linkTarget,
  };
}

const statHeader = (path: string, facts: NodeFacts): string =>
  Buffer.from(JSON.stringify(pathStat(path, facts))).toString('base64');

/** @throws StatusError 404, 400 */
function factsOf(root: number, path: string, place: Place): NodeFacts {
  try {
    // A slash at the end asks for a directory, through a link.
    return statIn(root, path, { follow: /\/\.?$/.test(path) });
  } catch (error) {
    throw unreadable(error, path, place);
  }
}

function unreadable(error: unknown, path: string, { name }: Place): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOENT') {
    const message = `Could not find the file ${path} in container ${name}`;
    return failure(404, 'NotFound', message);
  }
  if (['ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG'].includes(code)) {
    return badRequest(`${path} in container ${name}: ${(error as Error).message}`);
  }
  return error;
}

/** `HEAD`, or `GET` with `stat=true`: what stands at the path. */
export async function answerStat(world: OperationsWorld, place: Place, call: Call) {
  const path = pathOf(call);
  await inTree(world, place, { path, write: false }, async (opened) => {
    const facts = factsOf(opened.root, opened.path, place);
    if (call.request.method === 'GET') return sendJson(call.response, pathStat(path, facts));
    call.response.writeHead(200, { 'x-docker-container-path-stat': statHeader(path, facts) });
    call.response.end();
  });
}

/** `GET`: the path as a tar; `name` is what its first entry is called, else its own name. */
export async function answerGet(world: OperationsWorld, place: Place, call: Call) {
  const path = pathOf(call);
  const { response, query } = call;
  if (query.get('stat') === 'true') return answerStat(world, place, call);
  await inTree(world, place, { path, write: false }, async (opened) => {
    const facts = factsOf(opened.root, opened.path, place);
    const isContent = path.endsWith('/.') || posix.resolve('/', path) === '/';
    const own = isContent ? '' : posix.basename(posix.resolve('/', path));
    const { stream, archived } = streamTree({
      root: opened.root,
      path: opened.path,
      name: query.get('name') ?? own,
      follow: path.endsWith('/'),
      crossMounts: true,
    });
    // The path may have gone since: nothing is promised before the first bytes are there.
    await once(stream, 'readable').catch((error: unknown) => {
      throw unreadable(error, path, place);
    });
    response.writeHead(200, {
      'content-type': 'application/x-tar',
      'x-docker-container-path-stat': statHeader(path, facts),
    });
    await pipeline(stream, response).catch(() => response.destroy());
    await archived.catch(() => undefined);
  });
}

const isTrue = (text: string | null): boolean => text === '1' || text === 'true';

/** `PUT`: extracts the body, a tar (also compressed), into the directory at the path. */
export async function answerPut(world: OperationsWorld, place: Place, call: Call) {
  const path = pathOf(call);
  const { request, response, query } = call;
  await inTree(world, place, { path, write: true }, async (opened) => {
    const facts = statFollowed(opened.root, opened.path, place, path);
    if (facts.kind !== 'directory') {
      throw badRequest(`extract into ${path} in container ${place.name}: it is not a directory`);
    }
    const owner = isTrue(query.get('copyUIDGID')) ? {} : { uid: 0, gid: 0 };
    const options = {
      ...limits,
      ...owner,
      root: opened.root,
      path: opened.path,
      keepKinds: isTrue(query.get('noOverwriteDirNonDir')),
    };
    await extractInto(options, decompressed(request, 'the archive')).catch((error: unknown) => {
      throw extractError(error, path, place);
    });
  });
  response.writeHead(200, { 'content-length': 0 });
  response.end();
}

function statFollowed(root: number, inside: string, place: Place, path: string): NodeFacts {
  try {
    return statIn(root, inside, { follow: true });
  } catch (error) {
    throw unreadable(error, path, place);
  }
}

function extractError(error: unknown, path: string, { name }: Place): unknown {
  if (!(error instanceof Error)) return error;
  const entry =
    'entry' in error && error.entry !== '' ? ` entry ${JSON.stringify(error.entry)}:` : '';
  const message = `extract into ${path} in container ${name}:${entry} ${error.message}`;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'EROFS') return failure(403, 'Forbidden', `${message} (it is mounted read-only)`);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO')
    return failure(507, 'InsufficientStorage', message);
  return badRequest(message);
}
