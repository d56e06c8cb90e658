/**
 * Writes trees and layers as tar archives, and lists what a container changed. Each call works on a thread of its own and
 * walks by descriptors: nothing a container does meanwhile leads it out of the tree. The same content gives the same bytes.
 */

import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { loadAddon } from './load.ts';

/** Ids outside a user namespace and what they are inside: `count` from each first one. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** How entries are told. */
export interface EntryOptions {
  /** The user namespace's ranges; ids outside of them become 65534. Absent: ids as they are on disk. */
  readonly uids?: readonly IdRange[];
  readonly gids?: readonly IdRange[];
  /** One owner for every entry. */
  readonly uid?: number;
  readonly gid?: number;
  /** `exact` (the default) to the nanosecond, `seconds` cut off, or one time, in seconds since 1970, for every entry. */
  readonly times?: 'exact' | 'seconds' | number;
  /** Leaves the holes of files out (PAX 1.0) instead of writing zeros. */
  readonly sparse?: boolean;
}

/** How the archive is stored. */
export interface StoreOptions {
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** Absent: the usual one. */
  readonly level?: number;
  /** Computed in the same pass; absent: none. */
  readonly digests?: 'sha256' | 'sha512';
  readonly signal?: AbortSignal;
}

export interface TreeOptions extends EntryOptions {
  /** A directory, or a descriptor of one, which stays the caller's. */
  readonly root: string | number;
  /** What is written, as a path inside `root`: links never lead out of it. Absent: all of it. */
  readonly path?: string;
  /** What it is called in the archive; for a directory, `''` or absent writes what is in it, without a first part. */
  readonly name?: string;
  /** When `path` ends at a link: writes what it points to. */
  readonly follow?: boolean;
  /** What is mounted inside is written, too; else it shows as an empty directory or file. */
  readonly crossMounts?: boolean;
}

export interface LayerOptions extends EntryOptions {
  /** The overlay's upper directory, or a descriptor of it. */
  readonly upper: string | number;
  /**
   * The layers below it, the topmost first: what is the same there is left out, and every deletion is told by name.
   * Without them all of `upper` is written, and an opaque directory gets `.wh..wh..opq`.
   */
  readonly lowers?: readonly string[];
}

export interface Archived {
  /** Of the file, and of the tar beneath its compression. */
  readonly sizeBytes: number;
  readonly tarBytes: number;
  /** `''` unless asked for. */
  readonly digest: string;
  readonly tarDigest: string;
  readonly entries: number;
  /** Files that had become shorter when they were read; the rest of each is zeros. */
  readonly shortened: number;
}

/** How many paths `listChanges` would tell of. */
export interface LayerArchived extends Archived {
  readonly added: number;
  readonly changed: number;
  readonly deleted: number;
}

/** As `docker diff` has it: added, changed, deleted. */
export interface ChangedPath {
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
}

export interface NodeFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'fifo' | 'socket' | 'device';
  /** The lower twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Of a link. */
  readonly target?: string;
}

interface Output {
  readonly output: string | number;
}

interface Face {
  writeTree(options: TreeOptions & StoreOptions & Output, cancelled: Uint8Array): Promise<Archived>;
  writeLayer(
    options: LayerOptions & StoreOptions & Output,
    cancelled: Uint8Array,
  ): Promise<LayerArchived>;
  listChanges(upper: string | number, lowers: readonly string[]): Promise<Buffer>;
  openMerged(layers: readonly string[], upper: string, work: string): number;
  statIn(root: string | number, path: string, follow: boolean): NodeFacts;
  openPipe(): [read: number, write: number];
}

/** Runs `start` with the byte that stops it. */
async function cancellable<Made extends Archived>(
  signal: AbortSignal | undefined,
  start: (cancelled: Uint8Array) => Promise<Made>,
): Promise<Made> {
  signal?.throwIfAborted();
  const cancelled = new Uint8Array(1);
  const cancel = () => cancelled.fill(1);
  signal?.addEventListener('abort', cancel);
  try {
    return await start(cancelled);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/**
 * Writes a tree, or a part of it, as it is seen. `output`: a new file's path, or a descriptor, which stays the caller's.
 * Rejects with an error that has `entry`, the path it is about: a `NativeError` when a call failed. A file that was begun stays.
 */
export function writeTree(
  options: TreeOptions & StoreOptions & { readonly output: string | number },
): Promise<Archived> {
  return cancellable(options.signal, (cancelled) =>
    loadAddon<Face>().writeTree(options, cancelled),
  );
}

/**
 * Writes what a container changed as a layer of an image (OCI image-spec v1.1, layer.md). As `writeTree` in all else;
 * also rejects when `upper` refers to other layers by overlayfs's redirects.
 */
export function writeLayer(
  options: LayerOptions & StoreOptions & { readonly output: string | number },
): Promise<LayerArchived> {
  return cancellable(options.signal, (cancelled) =>
    loadAddon<Face>().writeLayer(options, cancelled),
  );
}

/**
 * `writeTree` to whoever reads `stream`. The stream fails with what `archived` rejects with; destroying it stops the work.
 */
export function streamTree(options: TreeOptions & StoreOptions): {
  readonly stream: Readable;
  readonly archived: Promise<Archived>;
} {
  const native = loadAddon<Face>();
  const [read, output] = native.openPipe();
  const stream = new Socket({ fd: read, readable: true, writable: false });
  let archived: Promise<Archived>;
  try {
    archived = writeTree({ ...options, output });
  } finally {
    closeSync(output); // the thread has its own
  }
  archived.catch((error: Error) => stream.destroy(error));
  return { stream, archived };
}

/**
 * What a container changed, in the order of its paths, directories first; only its own layer is walked.
 * `lowers`: the layers below, the topmost first.
 */
export async function listChanges(
  upper: string | number,
  lowers: readonly string[],
): Promise<readonly ChangedPath[]> {
  const list = await loadAddon<Face>().listChanges(upper, lowers);
  const lines = list.toString('utf8').split('\0').slice(0, -1);
  return lines.map((line) => ({ kind: line[0] as ChangedPath['kind'], path: line.slice(1) }));
}

/**
 * A descriptor of several layers (the topmost first) seen as one read-only tree, mounted nowhere. Of a running container, too:
 * its own layer is the topmost. The caller closes it.
 */
export function openMerged(layers: readonly string[]): number {
  return loadAddon<Face>().openMerged(layers, '', '');
}

/**
 * As `openMerged`, of a container at rest and to be written: changes go to `upper`, whose `work` directory lies beside it.
 * `layers`: those below. Nobody else may have `upper` mounted meanwhile.
 */
export function openWritable(
  layers: readonly string[],
  writable: { readonly upper: string; readonly work: string },
): number {
  return loadAddon<Face>().openMerged(layers, writable.upper, writable.work);
}

/**
 * What stands at `path` inside `root` (a directory or a descriptor of one); no link leads out of it.
 * @throws NativeError ENOENT …
 */
export function statIn(
  root: string | number,
  path: string,
  options: { readonly follow?: boolean } = {},
): NodeFacts {
  return loadAddon<Face>().statIn(root, path, options.follow === true);
}
