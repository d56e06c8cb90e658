/** The Image kind as its controller sees it; `crds/image.yaml` says what each field means. */
import type { ApiObject } from '#api/client/collection.ts';
import type { Condition } from '#controller/runtime/conditions.ts';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface ImageSource {
  readonly reference?: string;
  readonly archive?: string;
  readonly snapshot?: ObjectName;
  readonly url?: string;
}

export interface ImageSpec {
  readonly source: ImageSource;
  readonly tags?: readonly string[];
  readonly push?: readonly string[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly pullSecret?: ObjectName;
}

export type ImagePhase = 'Pending' | 'Pulling' | 'Ready' | 'Failed';

export interface ImageNode {
  readonly name: string;
  readonly phase: ImagePhase;
  readonly digest?: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly message?: string;
}

export interface Pushed {
  readonly reference: string;
  readonly digest: string;
  /** Of the content that was sent: another is pushed anew. */
  readonly of: string;
  readonly time: string;
}

export interface ImageStatus {
  readonly phase?: ImagePhase;
  readonly observedGeneration?: number;
  readonly digest?: string;
  readonly sizeBytes?: number;
  readonly created?: string;
  readonly nodes?: readonly ImageNode[];
  /** Names that were given to the content on the nodes: what is not wanted any more is taken back. */
  readonly names?: readonly string[];
  readonly pushed?: readonly Pushed[];
  readonly conditions?: readonly Condition[];
}

export interface Image extends ApiObject {
  readonly spec: ImageSpec;
  readonly status?: ImageStatus;
}

/** As much of a Snapshot as an Image needs. */
export interface Snapshot extends ApiObject {
  readonly spec: { readonly image: string };
  readonly status?: { readonly phase?: string; readonly digest?: string; readonly node?: string };
}
