/** What is known of an Image, its nodes and what is under way, when its plan is made. */
import type { HeldImage } from './node-images.ts';
import type { TransferView } from './transfers.ts';
import type { Image, Snapshot } from './types.ts';

export interface NodeView {
  readonly name: string;
  /** Absent: it is being pulled there, or the node could not be asked. */
  readonly held?: readonly HeldImage[];
  /** Why it could not be asked. */
  readonly problem?: string;
  readonly transfer?: TransferView | undefined;
}

export interface View {
  readonly image: Image;
  /** The nodes that are to hold it and can be asked. */
  readonly nodes: readonly NodeView[];
  /** The Snapshot it comes from, if there is one. */
  readonly snapshot?: Snapshot | undefined;
  /** Pushes by target. */
  readonly pushes: ReadonlyMap<string, TransferView>;
  /** Names that other Images want on the same nodes. */
  readonly othersNames: ReadonlySet<string>;
  readonly nowMs: number;
}

/** What the content is known by. */
export type Wanted =
  | { readonly type: 'reference'; readonly reference: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'digest'; readonly digest: string; readonly advice: string }
  | { readonly type: 'nothing'; readonly why: string };

/** Whether this very content was sent there. */
export function isPushed({ status }: Image, target: string, of: string): boolean {
  return (status?.pushed ?? []).some((one) => one.reference === target && one.of === of);
}
