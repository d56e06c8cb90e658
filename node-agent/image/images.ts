/** What the pod side asks of the image side. */

import type { SearchHit, SearchOptions } from './registry/search.ts';
import type { Shelf } from './registry/shelf.ts';
import type { Removed, RemoveOptions } from './untag.ts';

/** Why an operation on images failed; `message` says what was tried, on what, why, and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code:
    | 'InvalidReference'
    | 'NotFound'
    | 'Ambiguous'
    /** A container needs it. */
    | 'InUse'
    | 'InvalidArchive'
    | 'UnknownUser'
    /** An ImagePolicy of the cluster stands against it. */
    | 'Untrusted'
    /** A registry wants other credentials. */
    | 'Unauthorized'
    /** A registry cannot be reached, has a fault, or gives what it should not. */
    | 'Registry'
    | 'Cancelled';
  constructor(code: ImageError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Docker's HEALTHCHECK; times in nanoseconds, 0 or absent: the usual ones. */
export interface ImageHealthcheck {
  readonly test: readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  readonly retries?: number;
}

export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  /** `user`, `uid`, `user:group` … as the image has it. */
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  /** Directories that get a volume of their own; absent: none. */
  readonly volumes?: readonly string[];
  readonly healthcheck?: ImageHealthcheck;
  /** What runs commands given as text; absent: `/bin/sh -c`. */
  readonly shell?: readonly string[];
  readonly stopSignal?: string;
}

export interface LocalImage {
  /** `sha256:…` of the configuration: the image's ID. */
  readonly id: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  /** Normalised references that point at it: `bayplan.local/busybox:latest`. */
  readonly tags: readonly string[];
  /** `repository@sha256:…` of the manifests and indexes it was pulled by or pushed as; absent when it was only loaded. */
  readonly repoDigests?: readonly string[];
  /** Sum of the unpacked layers. */
  readonly sizeBytes: number;
  readonly createdAt?: string;
  readonly config: ImageConfig;
}

/** One way to log in; an empty object is nobody. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token of the registry's token service. */
  readonly identityToken?: string;
  /** Sent as it is, as a bearer token. */
  readonly registryToken?: string;
}

export interface TransferProgress {
  /** The blob's digest. */
  readonly layer: string;
  readonly status: 'waiting' | 'downloading' | 'unpacking' | 'uploading' | 'present' | 'done';
  /** Of the blob as it is transferred. */
  readonly bytes: number;
  readonly total: number;
}

export interface TransferOptions {
  /** What is tried, in this order, before what the machine's docker config.json has for the registry. */
  readonly credentials?: readonly RegistryCredentials[];
  readonly signal?: AbortSignal;
  /** Called often: at each piece of a blob. Must not throw. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface Images {
  /** Finds a local image by reference (`busybox`, `docker.io/library/busybox:latest`, `repo@sha256:…`, an ID or its start). */
  find(reference: string): Promise<LocalImage | undefined>;
  list(): Promise<readonly LocalImage[]>;
  /** Loads a docker-archive or OCI layout tar; resolves with what it held. Rejects with a clear error, nothing kept. */
  load(archive: AsyncIterable<Buffer>): Promise<readonly LocalImage[]>;
  /**
   * Brings an image from its registry, or asks the registry whether the one here is current. A pull of content that is
   * being pulled already joins it; what a pull leaves when it fails or is cancelled, the next one goes on with.
   * @throws ImageError
   */
  pull(reference: string, options?: TransferOptions): Promise<LocalImage>;
  /**
   * Sends a local image to the registry its reference names; resolves with the digest it has there.
   * @throws ImageError
   */
  push(reference: string, options?: TransferOptions): Promise<{ readonly digest: string }>;
  /**
   * Whether the cluster's ImagePolicies let a local image be started by this name without asking its registry; a pull
   * tells why not, or finds that they do.
   */
  isTrusted(reference: string): Promise<boolean>;
  tag(reference: string, newReference: string): Promise<void>;
  /** What works on the content itself, such as saving it, gets it here. */
  shelf(): Shelf;
  /**
   * Removes a reference, or with an ID all of an image; content nobody refers to goes with it.
   * @throws ImageError `InUse` when `options` say that somebody needs it
   */
  remove(reference: string, options?: RemoveOptions): Promise<Removed>;
  /** Looks for images in a registry: `host/word`, or `word` in Docker Hub. @throws ImageError */
  search(term: string, options: SearchOptions): Promise<readonly SearchHit[]>;
  /** Whether a registry takes a login. @throws ImageError `Unauthorized` when not */
  checkLogin(server: string, login: RegistryCredentials): Promise<void>;
  /** The unpacked layer directories of an image, lowest first; unpacks what is missing. */
  layers(image: LocalImage): Promise<readonly string[]>;
  /** Looks a user up in the image's own /etc/passwd and /etc/group. */
  resolveUser(
    image: LocalImage,
    user: string,
  ): Promise<{ uid: number; gid: number; groups: number[]; home: string }>;
}
