/** hostPath volumes: a place of the node's own file system, checked or made as its `type` says. */

import type { Stats } from 'node:fs';
import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { VolumeError } from './volume-error.ts';

/**
 * Resolves when `path` is what `type` wants; `…OrCreate` makes it (directory 0755, file 0644; parents of a file are
 * not made, as in Kubernetes).
 * @throws VolumeError worded as kubelet words it.
 */
export async function prepareHostPath(path: string, type: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (type === 'DirectoryOrCreate' && found === undefined) {
    await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (type === 'FileOrCreate' && found === undefined) {
    const file = await open(path, 'a', 0o644);
    await file.close();
    await chmod(path, 0o644);
    return;
  }
  if (type === '') {
    // Docker's way, which Kubernetes relies on: a path that is not there becomes a directory.
    if (found === undefined) await mkdir(path, { recursive: true, mode: 0o755 });
    return;
  }
  if (found === undefined || !isOfType(found, type)) {
    throw new VolumeError(`hostPath type check failed: ${path} is not ${described(type)}`);
  }
}

function isOfType(found: Stats, type: string): boolean {
  switch (type) {
    case 'Directory':
    case 'DirectoryOrCreate':
      return found.isDirectory();
    case 'File':
    case 'FileOrCreate':
      return found.isFile();
    case 'Socket':
      return found.isSocket();
    case 'CharDevice':
      return found.isCharacterDevice();
    case 'BlockDevice':
      return found.isBlockDevice();
    default:
      return false;
  }
}

function described(type: string): string {
  const words: Record<string, string> = {
    Directory: 'a directory',
    DirectoryOrCreate: 'a directory',
    File: 'a file',
    FileOrCreate: 'a file',
    Socket: 'a socket file',
    CharDevice: 'a character device',
    BlockDevice: 'a block device',
  };
  return words[type] ?? `of the unknown type ${type}`;
}
