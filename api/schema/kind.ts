/** One served kind: where it is on the API, where it is in the store, what it may look like. */
import type { ResourceType } from '#api/resources/meta.ts';
import type { Schema } from './schema.ts';

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly priority: number;
  readonly description?: string;
  /** Custom kinds: where the cell's value is. Built-in kinds have code in `api/table/`. */
  readonly jsonPath?: string;
}

export interface Subresource {
  /** `status`, `scale`, `log`, `binding` … */
  readonly name: string;
  /** The kind its bodies carry (`Scale`, `Eviction`, the parent's own for `status`). */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

export interface Kind extends ResourceType {
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** `get list watch create update patch delete deletecollection` as discovery tells them. */
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly schema: Schema;
  /** `/registry/pods`, `/registry/services/specs`, `/registry/<group>/<plural>`: kube-apiserver's own layout. */
  readonly storagePrefix: string;
  /** The `apiVersion` its objects have in the store: several served versions of a kind share one. */
  readonly storageApiVersion: string;
  readonly columns: readonly Column[];
  /** Field selectors beside metadata.name and metadata.namespace: `spec.nodeName` … */
  readonly selectableFields: readonly string[];
  /** Custom kinds have a CRD; the scale subresource's paths come from it. */
  readonly custom?: {
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
    /** Not served while the CRD is not established. */
    readonly uid: string;
    /** The version's schema as its definition writes it: OpenAPI serves it, descriptions and all. */
    readonly openAPIV3Schema?: unknown;
    /** Objects in the store may have been written under another schema: they are pruned and defaulted as they are read. */
    readonly revised: boolean;
    /** The version is deprecated: the text of the warning each request gets. */
    readonly deprecation?: string;
  };
  /** Nothing of it is stored: reviews and TokenRequest, which are created only; measures, which are read only. */
  readonly virtual: boolean;
}

/** The kinds served now. Custom kinds come and go; `generation` grows with each change (caches, ETags). */
export interface Kinds {
  readonly generation: number;
  /** By URL: group, version, plural. */
  find(group: string, version: string, plural: string): Kind | undefined;
  /** By an object's own `apiVersion` and `kind`. */
  ofObject(apiVersion: string, kind: string): Kind | undefined;
  all(): readonly Kind[];
}
