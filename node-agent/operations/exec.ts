/** `exec` of a Container as Docker has it: another user, environment, directory, all capabilities, nobody waiting. */
import { finished } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { badRequest, failure, StatusError } from '#api/resources/status.ts';
import type { PodContainer } from '#api/resources/types.ts';
import { streamTree } from '#native/layers.ts';
import type { ExecSpec } from '#node-agent/container/runtime.ts';
import { ImageError } from '../image/images.ts';
import { accountsLimitBytes, findUser, type ResolvedUser } from '../image/user.ts';
import type { Route, UpgradeCall } from '../server/node-api.ts';
import { serveStream } from '../server/streaming.ts';
import { running } from './activity.ts';
import { findPlace, inTree, type OperationsWorld, type Place } from './place.ts';

/** `/files/{namespace}/{name}/{container}/exec?command=…&user=&env=…&workdir=&privileged=&detach=` */
export function execRoutes(world: OperationsWorld): Route<UpgradeCall>[] {
  return ['GET', 'POST'].map((method) => ({
    method,
    path: /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/exec$/,
    answer: async ({ parts, query, ...upgrade }) => {
      const [namespace = '', name = '', container = ''] = parts;
      const uid = query.get('uid') ?? undefined;
      const place = running(await findPlace(world, { namespace, name, container, uid }));
      const more = await askedOf(world, place, query);
      await serveStream(
        world.runtime,
        { kind: 'exec', containerId: place.id, query, more },
        upgrade,
      );
    },
  }));
}

/** What the container's document says of its processes. */
function documentOf({ pods }: OperationsWorld, { namespace, name }: Place): PodContainer {
  const pod = pods.find(namespace, name)?.pod;
  const own = pod?.spec?.containers[0] ?? { name: 'main' };
  return { ...own, securityContext: { ...pod?.spec?.securityContext, ...own.securityContext } };
}

/** @throws StatusError 400 for what cannot be, 403 for what the container's document forbids */
async function askedOf(
  world: OperationsWorld,
  place: Place & { readonly id: string },
  query: URLSearchParams,
): Promise<Pick<ExecSpec, 'env' | 'cwd' | 'user' | 'privileged' | 'detached'>> {
  const cwd = query.get('workdir') ?? '';
  if (cwd !== '' && !cwd.startsWith('/')) {
    throw badRequest(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  }
  const document = documentOf(world, place);
  const named = query.get('user') ?? '';
  const user = named === '' ? undefined : await userIn(world, place, named);
  const privileged = query.get('privileged') === 'true';
  const { securityContext: context } = document;
  const forbidden = (why: string) =>
    failure(403, 'Forbidden', `exec in container ${place.name}: ${why}`);
  if (user?.uid === 0 && context?.runAsNonRoot === true) {
    throw forbidden(`user '${named}' is root, and its document says runAsNonRoot`);
  }
  if (privileged && context?.allowPrivilegeEscalation === false) {
    throw forbidden('privileged, and its document says allowPrivilegeEscalation: false');
  }
  return {
    env: await environment(world, place, { user, document, added: query.getAll('env') }),
    ...(cwd === '' ? {} : { cwd }),
    ...(user === undefined ? {} : { user }),
    privileged,
    detached: query.get('detach') === 'true',
  };
}

/** The container's, with the home of the user unless somebody named one, and what is added. */
async function environment(
  { runtime, images }: OperationsWorld,
  { id, image }: Place & { readonly id: string },
  asked: {
    readonly user: ResolvedUser | undefined;
    readonly document: PodContainer;
    readonly added: readonly string[];
  },
): Promise<string[]> {
  const nameOf = (entry: string) => entry.slice(0, Math.max(0, entry.indexOf('=')));
  const all = new Map(runtime.get(id)?.spec.env.map((entry) => [nameOf(entry), entry]));
  if (
    asked.user !== undefined &&
    asked.document.env?.every(({ name }) => name !== 'HOME') !== false
  ) {
    const ofImage = (await images.find(image))?.config.env ?? [];
    const home = `HOME=${asked.user.home === '' ? '/' : asked.user.home}`;
    if (!ofImage.some((entry) => entry.startsWith('HOME='))) all.set('HOME', home);
  }
  for (const entry of asked.added) {
    if (nameOf(entry) === '') throw badRequest(`env '${entry}': write NAME=VALUE`);
    all.set(nameOf(entry), entry);
  }
  return [...all.values()];
}

/** By the files that the container has now. @throws StatusError 400 */
async function userIn(world: OperationsWorld, place: Place, user: string): Promise<ResolvedUser> {
  const read = (path: string) =>
    inTree(world, place, { path, write: false }, ({ root }) => textIn(root, path));
  try {
    return findUser(user, await read('/etc/passwd'), await read('/etc/group'));
  } catch (error) {
    if (error instanceof ImageError) throw badRequest(error.message);
    throw error;
  }
}

/** The content of a regular file below the root; undefined when there is none. @throws StatusError 400 for a huge one */
async function textIn(root: number, path: string): Promise<string | undefined> {
  const { stream, archived } = streamTree({ root, path, name: 'file', follow: true });
  const archive = extract();
  const chunks: Buffer[] = [];
  let size = 0;
  archive.on('entry', (_header, entry, next) => {
    entry.on('data', (data) => {
      const chunk = data as Buffer;
      size += chunk.length;
      chunks.push(chunk);
      if (size > accountsLimitBytes) stream.destroy(badRequest(`${path} of the container is huge`));
    });
    entry.on('error', () => undefined);
    entry.on('end', next);
  });
  stream.on('error', (error) => archive.destroy(error));
  stream.pipe(archive);
  try {
    await finished(archive, { readable: false });
    await archived;
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    await archived.catch(() => undefined);
    if (error instanceof StatusError) throw error;
    return undefined;
  }
}
