/** The roles and bindings that every cluster has: made where they are missing, put right where they differ. */
import { isLeft } from 'fp-ts/lib/Either.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import type { KubeObject } from '#api/resources/meta.ts';
import { hasReason } from '#api/resources/status.ts';
import { bootstrapPolicy } from '../authorization/bootstrap/policy.ts';
import { reconciled } from '../authorization/bootstrap/reconcile.ts';
import { changeStored } from '../verbs/change.ts';
import { createObject } from '../verbs/create.ts';
import { deleteStored } from '../verbs/delete.ts';
import { type ApiContext, storageKey } from '../verbs/request.ts';
import { builtIn } from '../verbs/subresources/binding.ts';
import { ownRequest } from './own-request.ts';

/** Brings the store to hold the policy. Another server may do the same at the same time. */
export async function ensurePolicy(context: ApiContext): Promise<void> {
  await Promise.all(bootstrapPolicy.map((wanted) => ensure(context, wanted)));
}

async function ensure(context: ApiContext, wanted: KubeObject): Promise<void> {
  const kind = builtIn(context.kinds, wanted.apiVersion, wanted.kind);
  const { namespace, name } = wanted.metadata;
  const key = storageKey(kind, namespace, name);
  const held = context.cache.get(key)?.object();
  if (held === undefined) return create(context, wanted);
  const next = reconciled(held, wanted);
  if (next === undefined) return;
  if (next === 'replace') {
    await deleteStored(context, kind, key, { dryRun: false });
    return create(context, wanted);
  }
  const options = { kind, key, name, onConflict: 'retry', dryRun: false } as const;
  await changeStored(context, options, (current) => {
    const now = reconciled(current, wanted);
    return TE.right(now === undefined || now === 'replace' ? current : now);
  });
}

async function create(context: ApiContext, wanted: KubeObject): Promise<void> {
  const kind = builtIn(context.kinds, wanted.apiVersion, wanted.kind);
  const made = await createObject(ownRequest(kind), context, structuredClone(wanted))();
  if (isLeft(made) && !hasReason(made.left, 'AlreadyExists')) throw made.left;
}
