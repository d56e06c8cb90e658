/** The GitSync kind as its controller sees it; `crds/gitsync.yaml` says what each field means. */
import type { ApiObject } from '#api/client/collection.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import type { Condition } from '#controller/runtime/conditions.ts';

export const gitSyncs: ResourceType = {
  group: 'bayplan.dev',
  version: 'v1alpha1',
  plural: 'gitsyncs',
  kind: 'GitSync',
  namespaced: true,
};

export interface SourceSpec {
  readonly url?: string;
  readonly ref?: string;
  readonly directory?: string;
  readonly secret?: string;
}

export interface GitSyncSpec {
  readonly source: SourceSpec;
  readonly path?: string;
  readonly intervalSeconds?: number;
  readonly prune?: boolean;
  readonly suspend?: boolean;
  readonly force?: boolean;
  readonly wait?: boolean;
  readonly timeoutSeconds?: number;
  readonly targetNamespace?: string;
  readonly serviceAccount?: string;
}

/** One object of the inventory. Without a uid: about to be made. */
export interface Placed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  /** Where its document stands: `apps/web.yaml:12`. */
  readonly from?: string;
}

export interface GitSyncStatus {
  readonly observedGeneration?: number;
  readonly revision?: string;
  readonly attemptedRevision?: string;
  readonly lastAppliedTime?: string;
  readonly objectCount?: number;
  readonly objects?: readonly Placed[];
  readonly conditions?: readonly Condition[];
}

export interface GitSync extends ApiObject {
  readonly spec: GitSyncSpec;
  readonly status?: GitSyncStatus;
}

/** A document and where it stands: `apps/web.yaml:12`. */
export interface Document {
  readonly object: KubeObject;
  readonly place: string;
}

/** What is wrong at a place of the documents. */
export interface Problem {
  readonly place: string;
  readonly message: string;
}

/** The documents of one revision, and what could not be read of them. */
export interface Rendered {
  readonly documents: readonly Document[];
  readonly problems: readonly Problem[];
}

/** Which object: the same whichever version of its group a document speaks. */
export function idOf(object: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
  return `${group}/${object.kind}/${object.namespace ?? ''}/${object.name}`;
}

/** The object's place in an inventory. */
export function placedOf({ object, place }: Document, uid?: string): Placed {
  const { apiVersion, kind, metadata } = object;
  return {
    apiVersion,
    kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
    ...(uid === undefined ? {} : { uid }),
    from: place,
  };
}

/** `Deployment shop/web`: how people are told of an object. */
export const shown = ({ kind, namespace, name }: Pick<Placed, 'kind' | 'namespace' | 'name'>) =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
