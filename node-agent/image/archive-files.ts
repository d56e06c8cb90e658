/**
 * Takes an image archive apart: each file of the tar is written under a number in a scratch directory, hashed on the way.
 * Names of the archive never become names on disk.
 */

import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header } from 'tar-stream';
import { invalidArchive } from './archive-error.ts';
import { decompressed } from './decompress.ts';
import type { Algorithm, Digest } from './digest.ts';
import { ImageError } from './images.ts';

const MAX_FILES = 100_000;
const MAX_BYTES = 256 * 2 ** 30;
const MAX_JSON_BYTES = 8 * 2 ** 20;

export interface ArchiveFile {
  /** Where its content is. */
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

interface TarFile extends AsyncIterable<Buffer> {
  readonly header: Header;
  resume(): void;
}

type Found = ArchiveFile | { readonly link: string };

export class ArchiveFiles {
  readonly #found = new Map<string, Found>();

  add(name: string, found: Found): void {
    if (this.#found.has(name))
      throw invalidArchive(`'${name}' is in it twice; make the archive anew`);
    if (this.#found.size >= MAX_FILES)
      throw invalidArchive(`it holds more than ${MAX_FILES} files`);
    this.#found.set(name, found);
  }

  get empty(): boolean {
    return this.#found.size === 0;
  }

  /** The file of that name, through links inside the archive (`docker save` before 25 has them). */
  find(name: string): ArchiveFile | undefined {
    let found = this.#found.get(posix.normalize(name));
    for (let hops = 0; found !== undefined && 'link' in found; hops++) {
      if (hops > 10) throw invalidArchive(`'${name}' is a loop of links`);
      found = this.#found.get(found.link);
    }
    return found;
  }

  /** @throws ImageError `InvalidArchive` when it is not there */
  get(name: string): ArchiveFile {
    const file = this.find(name);
    if (file === undefined) {
      throw invalidArchive(
        `'${name}' is missing; the archive is incomplete, make or fetch it anew`,
      );
    }
    return file;
  }

  /** A small file's content. @throws ImageError `InvalidArchive` when it is missing or over 8 MiB */
  read(name: string): Promise<Buffer> {
    const file = this.get(name);
    if (file.size > MAX_JSON_BYTES) throw invalidArchive(`'${name}' is larger than 8 MiB`);
    return readFile(file.path);
  }
}

/**
 * Reads a whole archive (tar, also gzip or zstd compressed) into `scratch`, an empty directory.
 * @throws ImageError `InvalidArchive`
 */
export async function readArchive(
  archive: AsyncIterable<Buffer>,
  scratch: string,
): Promise<ArchiveFiles> {
  const files = new ArchiveFiles();
  const tar = extract();
  const feeding = pipeline(decompressed(archive, 'the image archive'), tar);
  feeding.catch(() => {}); // awaited below, unless reading fails first
  try {
    await readEntries(tar, files, scratch);
    await feeding;
  } catch (error) {
    tar.destroy();
    // The feed's own failure is the first cause; the reader only sees that its stream ended.
    const cause = await feeding.then(
      () => error,
      (feedError: NodeJS.ErrnoException) =>
        feedError.code === 'ERR_STREAM_PREMATURE_CLOSE' ? error : feedError,
    );
    throw archiveError(cause);
  }
  if (files.empty) throw invalidArchive('it is empty or not a tar archive');
  return files;
}

function archiveError(error: unknown): unknown {
  if (!(error instanceof Error) || 'syscall' in error || error instanceof ImageError) return error;
  // tar-stream's own: "Invalid tar header …", "Unexpected end of data".
  if (!/tar|end of data|checksum|size/i.test(error.message)) return error;
  const why = `it is not a tar archive, or it is damaged or truncated (${error.message})`;
  return invalidArchive(`${why}; make or fetch it anew`, error);
}

async function readEntries(tar: Extract, files: ArchiveFiles, scratch: string): Promise<void> {
  let room = MAX_BYTES;
  let number = 0;
  // tar-stream's own type of an entry does not say that it yields Buffers.
  for await (const entry of tar as AsyncIterable<TarFile>) {
    const { header } = entry;
    const name = entryName(header.name);
    const link = linkTarget(header, name);
    if (link !== undefined) files.add(name, { link });
    if (header.type === 'file' || header.type === 'contiguous-file') {
      room -= header.size ?? 0;
      if (room < 0) throw invalidArchive(`it holds more than ${MAX_BYTES} bytes`);
      const algorithm = name.startsWith('blobs/sha512/') ? 'sha512' : 'sha256';
      files.add(name, await writeFile(entry, join(scratch, String(number++)), algorithm));
    } else {
      entry.resume();
    }
  }
}

function entryName(name: string): string {
  if (name.split('/').includes('..')) throw invalidArchive(`the path '${name}' leads out of it`);
  return posix.normalize(name).replace(/^\/+/, '').replace(/\/$/, '');
}

function linkTarget({ type, linkname }: Header, name: string): string | undefined {
  if (type !== 'symlink' && type !== 'link') return undefined;
  const base = type === 'symlink' ? posix.dirname(name) : '';
  const target = posix.normalize(posix.join(base, linkname ?? ''));
  if (target.startsWith('../') || linkname?.startsWith('/')) {
    throw invalidArchive(`'${name}' is a link out of it, to '${linkname}'`);
  }
  return target;
}

async function writeFile(
  content: AsyncIterable<Buffer>,
  path: string,
  algorithm: Algorithm,
): Promise<ArchiveFile> {
  const hash = createHash(algorithm);
  const file = await open(path, 'wx', 0o600);
  let size = 0;
  try {
    for await (const piece of content) {
      const writing = file.writeFile(piece);
      hash.update(piece); // on this thread while a worker writes
      await writing;
      size += piece.length;
    }
  } finally {
    await file.close();
  }
  return { path, size, digest: `${algorithm}:${hash.digest('hex')}` };
}
