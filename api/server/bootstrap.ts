/** Namespaces that every client relies on. */
import { isLeft } from 'fp-ts/lib/Either.js';
import { hasReason } from '#api/resources/status.ts';
import { createObject } from '../verbs/create.ts';
import type { ApiContext } from '../verbs/request.ts';
import { builtIn } from '../verbs/subresources/binding.ts';
import { ownRequest } from './own-request.ts';

const names = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Makes those that are missing. */
export async function makeNamespaces(context: ApiContext): Promise<void> {
  const kind = builtIn(context.kinds, 'v1', 'Namespace');
  const missing = names.filter(
    (name) => context.cache.get(`${kind.storagePrefix}/${name}`) === undefined,
  );
  await Promise.all(
    missing.map(async (name) => {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      const made = await createObject(ownRequest(kind), context, object)();
      // Another API server may have been faster.
      if (isLeft(made) && !hasReason(made.left, 'AlreadyExists')) throw made.left;
    }),
  );
}
