/** Namespaces that every client relies on. */
import { isLeft } from 'fp-ts/lib/Either.js';
import { hasReason } from '#api/resources/status.ts';
import { createObject } from '../verbs/create.ts';
import type { ApiContext, ApiRequest } from '../verbs/request.ts';
import { builtIn } from '../verbs/subresources/binding.ts';

const names = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Makes those that are missing. */
export async function makeNamespaces(context: ApiContext): Promise<void> {
  const kind = builtIn(context.kinds, 'v1', 'Namespace');
  const request: ApiRequest = {
    verb: 'create',
    kind,
    subresource: undefined,
    namespace: undefined,
    name: undefined,
    query: new URLSearchParams(),
    user: { name: 'system:apiserver', groups: ['system:masters'] },
    contentType: 'application/json',
    body: Buffer.alloc(0),
    userAgent: 'kube-apiserver',
    asStored: true,
  };
  const missing = names.filter(
    (name) => context.cache.get(`${kind.storagePrefix}/${name}`) === undefined,
  );
  await Promise.all(
    missing.map(async (name) => {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      const made = await createObject(request, context, object)();
      // Another API server may have been faster.
      if (isLeft(made) && !hasReason(made.left, 'AlreadyExists')) throw made.left;
    }),
  );
}
