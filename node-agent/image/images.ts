/** What the pod side asks of the image side. */

/** Why an operation on images failed; `message` says what was tried, on what, why, and what to do. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: 'InvalidReference' | 'NotFound' | 'Ambiguous' | 'InvalidArchive' | 'UnknownUser';
  constructor(code: ImageError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
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
  readonly stopSignal?: string;
}

export interface LocalImage {
  /** `sha256:…` of the configuration: the image's ID. */
  readonly id: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
  /** Normalised references that point at it: `bayplan.local/busybox:latest`. */
  readonly tags: readonly string[];
  /** Sum of the unpacked layers. */
  readonly sizeBytes: number;
  readonly createdAt?: string;
  readonly config: ImageConfig;
}

export interface Images {
  /** Finds a local image by reference (`busybox`, `docker.io/library/busybox:latest`, `repo@sha256:…`, an ID or its start). */
  find(reference: string): Promise<LocalImage | undefined>;
  list(): Promise<readonly LocalImage[]>;
  /** Loads a docker-archive or OCI layout tar; resolves with what it held. Rejects with a clear error, nothing kept. */
  load(archive: AsyncIterable<Buffer>): Promise<readonly LocalImage[]>;
  tag(reference: string, newReference: string): Promise<void>;
  /** Removes a reference; content nobody refers to goes with it. */
  remove(reference: string): Promise<void>;
  /** The unpacked layer directories of an image, lowest first; unpacks what is missing. */
  layers(image: LocalImage): Promise<readonly string[]>;
  /** Looks a user up in the image's own /etc/passwd and /etc/group. */
  resolveUser(
    image: LocalImage,
    user: string,
  ): Promise<{ uid: number; gid: number; groups: number[]; home: string }>;
}
