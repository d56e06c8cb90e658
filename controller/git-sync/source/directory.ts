/** A directory of this machine as a tree: what is in it now, and a digest that changes with it. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, fileAt, maxFileBytes, maxFiles, SourceError, type Tree } from './tree.ts';

const isDocument = (name: string): boolean => !name.startsWith('.');
/** All files together. */
const maxBytes = 128 * 1024 * 1024;

/** Reads the file if it is one, however its name may be exchanged meanwhile. */
async function readFileAt(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new SourceError('Refused', `${path}: is no file`);
    if (facts.size > maxFileBytes) {
      throw new SourceError(
        'TooLarge',
        `${path}: has ${facts.size} bytes, more than ${maxFileBytes}`,
      );
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function collect(root: string, folder: string, found: Map<string, 'file' | 'link'>) {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (!isDocument(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) await collect(root, path, found);
    else if (entry.isSymbolicLink()) found.set(path, 'link');
    else if (entry.isFile()) found.set(path, 'file');
    if (found.size > maxFiles) {
      throw new SourceError('TooLarge', `${root} has more than ${maxFiles} files`);
    }
  }
}

/** All that is in it, read at once. @throws SourceError */
export async function directoryTree(root: string): Promise<Tree> {
  const found = new Map<string, 'file' | 'link'>();
  const contents = new Map<string, Buffer>();
  const entries = new Map<string, Entry>();
  const digest = createHash('sha256');
  try {
    await collect(root, '', found);
    let bytes = 0;
    for (const path of [...found.keys()].sort()) {
      const type = found.get(path) ?? 'file';
      const content = type === 'file' ? await readFileAt(join(root, path)) : Buffer.alloc(0);
      bytes += content.length;
      if (bytes > maxBytes) {
        throw new SourceError('TooLarge', `${root} has more than ${maxBytes} bytes`);
      }
      contents.set(path, content);
      entries.set(path, { type, bytes: content.length });
      digest.update(`${type} ${path}\0${content.length}\0`).update(content);
    }
  } catch (error) {
    if (error instanceof SourceError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'NotFound' : 'Unreachable';
    throw new SourceError(reason, `read ${root}: ${(error as Error).message}`, { cause: error });
  }
  return {
    revision: `sha256:${digest.digest('hex')}`,
    entries,
    read: async (path) => {
      fileAt({ entries }, path);
      return contents.get(path) ?? Buffer.alloc(0);
    },
  };
}
