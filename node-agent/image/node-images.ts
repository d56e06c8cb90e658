/** The images of a node as its agent has them: what pods ask, and what the node itself does with its store. */
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import type { StoredImage } from './image-table.ts';
import type { Images } from './images.ts';
import type { LayerChoice } from './layer-forms.ts';
import type { Peers } from './peers/peers.ts';
import type { SharedContent } from './peers/shared-content.ts';
import type { RegistryOptions } from './registry/registry.ts';
import type { ImageUsage, PruneOptions } from './usage.ts';

export interface ImagesOptions {
  /** Images are kept in `images/`; `registries.json` says how registries are reached. */
  readonly dataDir: string;
  /** The cluster's policies on images; absent: there are none. */
  readonly policies?: () => Promise<readonly ImagePolicy[]>;
  /** The cluster's other nodes, asked before any registry. */
  readonly peers?: Peers;
  /** Other than the usual patience with registries. */
  readonly registry?: Omit<RegistryOptions, 'dataDir' | 'trust' | 'peers'>;
  /** The form that layers are unpacked in; absent: as `BAY_LAYERS` says, or `auto`. Both are read always. */
  readonly layers?: LayerChoice;
  readonly log?: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** The images, and what of them other nodes may read. */
export interface NodeImages extends Images {
  readonly shared: SharedContent;
  /** `used`: digests of manifests. */
  usage(used: ReadonlySet<string>): Promise<ImageUsage>;
  /** Removes what nobody uses, as `docker image prune` does. */
  prune(options: PruneOptions): Promise<Pruned>;
  /** Removes the images that `choose` picks of those there are then, whatever their names; resolves with them. */
  discard(
    choose: (images: readonly StoredImage[]) => readonly StoredImage[],
  ): Promise<readonly StoredImage[]>;
  /** Ends this process's part in the store: what it held is free. Nothing of it may be under way any more. */
  close(): Promise<void>;
}

/** What went. */
export interface Pruned {
  /** The names of what went. */
  readonly untagged: readonly string[];
  /** Image IDs. */
  readonly deleted: readonly string[];
  readonly reclaimedBytes: number;
}
