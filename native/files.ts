/**
 * File work Node lacks: extended attributes, syncfs, a flag of ext4. Failed system calls throw `NativeError`.
 */

import { loadAddon } from './load.ts';

interface Face {
  getXattr(path: string, name: string): Buffer | undefined;
  setXattr(path: string, name: string, value: Buffer): void;
  syncFs(path: string): Promise<void>;
  spreadChildren(path: string): boolean;
}

/** An extended attribute of `path` (of a link itself, up to 4 KiB); absent when it has none of that name. */
export function getXattr(path: string, name: string): Buffer | undefined {
  return loadAddon<Face>().getXattr(path, name);
}

/** Gives `path` (a link itself) an extended attribute, instead of what it had of that name. */
export function setXattr(path: string, name: string, value: Buffer): void {
  loadAddon<Face>().setXattr(path, name, value);
}

/** Writes everything of the file system that holds `path` to its disk. */
export function syncFs(path: string): Promise<void> {
  return loadAddon<Face>().syncFs(path);
}

/**
 * Lets each directory made in this one begin in a part of the disk of its own (chattr +T); false where the file system knows
 * nothing of it, which is all but ext4.
 */
export function spreadChildren(path: string): boolean {
  return loadAddon<Face>().spreadChildren(path);
}
