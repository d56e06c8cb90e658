/**
 * Layers in either form: a directory, or a file with an EROFS image. A file is mounted when it is opened first, in no mount
 * namespace and once for the process; the mount ends when it is forgotten and nobody has a descriptor of it.
 */

import { closeSync, readlinkSync } from 'node:fs';
import { loadAddon } from './load.ts';

interface Face {
  openLayerFiles(paths: readonly string[]): readonly number[] | undefined;
  mountLayers(paths: readonly string[]): Promise<void>;
  forgetLayer(path: string): void;
  isLayerFileOpen(path: string): boolean;
}

/** Root directories of layers, as this process and others on its /proc can name them until they are closed. */
export interface OpenLayers {
  readonly paths: readonly string[];
  close(): void;
}

/**
 * Directories, and what is not there, stay as they are named. What is not mounted yet is mounted by a worker thread.
 * @throws NativeError for a file that cannot be mounted
 */
export async function openLayers(layers: readonly string[]): Promise<OpenLayers> {
  const addon = loadAddon<Face>();
  let descriptors = addon.openLayerFiles(layers);
  while (descriptors === undefined) {
    await addon.mountLayers(layers);
    descriptors = addon.openLayerFiles(layers);
  }
  const found = descriptors;
  return {
    paths: layers.map((path, i) => {
      const descriptor = found[i] ?? -1;
      return descriptor < 0 ? path : `${ownDescriptors()}/${descriptor}`;
    }),
    close: () => {
      for (const descriptor of found) if (descriptor >= 0) closeSync(descriptor);
    },
  };
}

let descriptorsPath: string | undefined;

/** As /proc numbers this process. */
function ownDescriptors(): string {
  descriptorsPath ??= `/proc/${readlinkSync('/proc/self')}/fd`;
  return descriptorsPath;
}

/** Lets go of the mount of a layer that is to be removed. Nothing there, or a directory, is no error. */
export function forgetLayer(path: string): void {
  loadAddon<Face>().forgetLayer(path);
}

/**
 * Whether anybody on the machine has the layer's file open, as whoever has it mounted does; false for a directory. True, too,
 * where the file system cannot tell.
 */
export function isLayerFileOpen(path: string): boolean {
  return loadAddon<Face>().isLayerFileOpen(path);
}
