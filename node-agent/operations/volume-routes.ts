/**
 * Volumes with a name, and who uses them:
 *
 *     GET    /volumes                          [{"namespace","name","path","createdAt","users":[{"id","name"}]}]
 *     POST   /volumes/{namespace}/{name}       201 the volume, also when there was one
 *     DELETE /volumes/{namespace}/{name}       {"reclaimedBytes"}; 409 while a Container document names it
 */
import { createHash } from 'node:crypto';
import type { ApiObject } from '#api/client/collection.ts';
import { failure } from '#api/resources/status.ts';
import { type Call, type Route, sendJson } from '../server/node-api.ts';
import type { NamedVolume, NamedVolumes } from '../volume/named-volumes.ts';

interface Options {
  readonly volumes: NamedVolumes;
  /** All Container documents. */
  readonly documents: () => Promise<readonly ApiObject[]>;
}

interface User {
  /** As Docker's clients know the container. */
  readonly id: string;
  readonly name: string;
}

type Names = Pick<NamedVolume, 'namespace' | 'name'>;

export function volumeRoutes({ volumes, documents }: Options): Route<Call>[] {
  return [
    {
      method: 'GET',
      path: /^\/volumes$/,
      answer: async ({ response }) => {
        const [all, found] = await Promise.all([documents(), volumes.list()]);
        sendJson(
          response,
          found.map((volume) => ({ ...volume, users: usersOf(volume, all) })),
        );
      },
    },
    {
      method: 'POST',
      path: /^\/volumes\/([^/]+)\/([^/]+)$/,
      answer: async ({ response, parts: [namespace = '', name = ''] }) =>
        sendJson(response, await volumes.create(namespace, name), 201),
    },
    {
      method: 'DELETE',
      path: /^\/volumes\/([^/]+)\/([^/]+)$/,
      answer: async ({ response, parts: [namespace = '', name = ''] }) => {
        const users = usersOf({ namespace, name }, await documents());
        if (users.length > 0) {
          const ids = users.map(({ id }) => id).join(', ');
          throw failure(409, 'Conflict', `remove ${name}: volume is in use - [${ids}]`);
        }
        sendJson(response, { reclaimedBytes: await volumes.remove(namespace, name) });
      },
    },
  ];
}

/** Containers that name the volume, whether they run or not. Pure. */
export function usersOf(volume: Names, documents: readonly ApiObject[]): readonly User[] {
  return documents
    .filter(({ metadata }) => metadata.namespace === volume.namespace)
    .filter((document) => mountsOf(document).some((mount) => names(mount, volume.name)))
    .map(({ metadata }) => ({
      id: createHash('sha256')
        .update(metadata.uid ?? '')
        .digest('hex'),
      name: metadata.name,
    }));
}

function mountsOf(document: ApiObject): readonly unknown[] {
  const { mounts } = ((document as { spec?: unknown }).spec ?? {}) as { mounts?: unknown };
  return Array.isArray(mounts) ? mounts : [];
}

function names(mount: unknown, name: string): boolean {
  const { type, source } = (mount ?? {}) as { type?: unknown; source?: unknown };
  return type === 'volume' && source === name;
}
