/** The Snapshot kind as its controller sees it; `crds/snapshot.yaml` says what each field means. */
import type { ApiObject } from '#api/client/collection.ts';
import type { Condition } from '#controller/runtime/conditions.ts';

export interface SnapshotSpec {
  readonly source: {
    readonly container?: string;
    readonly pod?: string;
    readonly podContainer?: string;
  };
  readonly image: string;
  readonly message?: string;
  readonly author?: string;
  readonly changes?: readonly string[];
  readonly expireAfterSeconds?: number;
  /** Its image goes with it. */
  readonly removeImage?: boolean;
  readonly keepTimes?: boolean;
  /** Targets of the container's own volumes; `*`: all. */
  readonly volumes?: readonly string[];
  readonly schedule?: { readonly everySeconds: number; readonly keep?: number };
}

export interface SnapshotStatus {
  readonly phase?: 'Pending' | 'Reading' | 'Ready' | 'Failed' | 'Scheduled';
  readonly observedGeneration?: number;
  readonly digest?: string;
  readonly sizeBytes?: number;
  readonly node?: string;
  readonly takenAt?: string;
  readonly changed?: {
    readonly added: number;
    readonly modified: number;
    readonly deleted: number;
  };
  readonly conditions?: readonly Condition[];
}

export interface Snapshot extends ApiObject {
  readonly spec: SnapshotSpec;
  readonly status?: SnapshotStatus;
}

/** What the node answers to a commit. */
export interface Committed {
  readonly Digest: string;
  readonly Size: number;
  readonly Changed: NonNullable<SnapshotStatus['changed']>;
}
