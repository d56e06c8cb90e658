/** A namespace with the label `example.com/pods: "20"` may have twenty pods. What is to be done about it: pure. */
import type { ApiObject } from '#api/client/collection.ts';
import { controllerOf, ownerReferenceTo } from '#api/resources/meta.ts';

export const label = 'example.com/pods';
/** The quota's name: the same at every run, so that a second one cannot come to be. */
export const quotaName = 'example-pods';

export interface ResourceQuota extends ApiObject {
  spec?: { hard?: Record<string, string> };
}

export type Action =
  | { readonly type: 'create' | 'update'; readonly quota: ResourceQuota }
  | { readonly type: 'delete' }
  | { readonly type: 'nothing'; readonly why: string };

/** From what there is to what is to be done. */
export function plan(namespace: ApiObject, held: ResourceQuota | undefined): Action {
  const { name, uid, labels = {}, deletionTimestamp } = namespace.metadata;
  if (deletionTimestamp !== undefined) return { type: 'nothing', why: 'it is going away' };
  if (held !== undefined && controllerOf(held)?.uid !== uid) {
    return { type: 'nothing', why: `the quota ${quotaName} is somebody else's` };
  }
  const pods = labels[label];
  if (pods === undefined) {
    return held === undefined ? { type: 'nothing', why: 'no label' } : { type: 'delete' };
  }
  if (!/^\d{1,6}$/.test(pods)) return { type: 'nothing', why: `${label}: '${pods}' is no number` };
  if (held?.spec?.hard?.['pods'] === pods) return { type: 'nothing', why: 'it is so' };
  const quota: ResourceQuota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: {
      ...held?.metadata,
      name: quotaName,
      namespace: name,
      ownerReferences: [ownerReferenceTo({ ...namespace, kind: 'Namespace', apiVersion: 'v1' })],
    },
    spec: { hard: { pods } },
  };
  return { type: held === undefined ? 'create' : 'update', quota };
}
