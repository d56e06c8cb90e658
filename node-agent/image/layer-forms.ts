/**
 * Which form a layer is unpacked in. As a file with an EROFS image it is written in the order of its tar and removed at once,
 * where the kernel mounts such a file without a device and overlayfs takes a mount that nobody sees (Linux 6.15 and later);
 * else it is a directory.
 */

import { closeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NativeError } from '#native/binding.ts';
import { forgetLayer, isLayerFileOpen } from '#native/layer-mounts.ts';
import { openMerged } from '#native/layers.ts';
import { type LayerForm, unpackLayerFile } from '#native/unpack.ts';
import { removeWhole } from './session.ts';

/** `auto`: EROFS where the node can use it. */
export type LayerChoice = 'auto' | 'erofs' | 'directories';

const choices: readonly string[] = ['auto', 'erofs', 'directories'] satisfies LayerChoice[];
/** An empty tar. */
const EMPTY = Buffer.alloc(1024);

export class LayerForms {
  readonly #choice: LayerChoice;
  #chosen: Promise<LayerForm> | undefined;

  /** @throws Error when `BAY_LAYERS`, which says it where `choice` does not, names no form */
  constructor(choice: LayerChoice | undefined) {
    this.#choice = choice ?? choiceOf(process.env['BAY_LAYERS'] || 'auto');
  }

  /**
   * Tried out once, in a new directory `place`, when something is to be unpacked.
   * @throws Error when it is to be EROFS and cannot be
   */
  choose(place: string): Promise<LayerForm> {
    this.#chosen ??=
      this.#choice === 'directories' ? Promise.resolve('directory') : this.#try(place);
    return this.#chosen;
  }

  async #try(place: string): Promise<LayerForm> {
    const why = await whyNoErofs(place);
    if (why === undefined) return 'erofs';
    if (this.#choice === 'auto') return 'directory';
    throw new Error(
      `unpack layers as EROFS images: this node cannot use them (${why}); have them unpacked as 'auto' or 'directories' (BAY_LAYERS, or imageLayers in the agent's configuration)`,
    );
  }
}

function choiceOf(text: string): LayerChoice {
  if (choices.includes(text)) return text as LayerChoice;
  throw new Error(`BAY_LAYERS is '${text}': it must be one of ${choices.join(', ')}`);
}

async function whyNoErofs(place: string): Promise<string | undefined> {
  const [tar, image, above] = ['tar', 'image', 'above'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ];
  try {
    await mkdir(above, { recursive: true });
    await writeFile(tar, EMPTY);
    const limits = { maxBytes: 0, maxEntries: 0, tarDigests: 'sha256' } as const;
    await unpackLayerFile(tar, image, { ...limits, form: 'erofs' });
    closeSync(openMerged([above, image]));
    const isSeen = isLayerFileOpen(image);
    forgetLayer(image);
    if (isSeen && !isLayerFileOpen(image)) return undefined;
    return 'the file system does not tell who has a file open';
  } catch (error) {
    if (error instanceof NativeError) return error.message;
    throw error;
  } finally {
    await removeWhole(place);
  }
}

/** What mounting says of a file that is no image, a damaged one, or one that this kernel does not know. */
const unmountable: readonly string[] = [
  'EBADMSG',
  'EINVAL',
  'EIO',
  'ENODEV',
  'ENOTBLK',
  'EOPNOTSUPP',
  'EUCLEAN',
];

export const isUnmountable = (error: unknown): boolean =>
  error instanceof NativeError && unmountable.includes(error.code);

/** Such a layer is unpacked as a directory. */
export const isTooLarge = (error: unknown): boolean =>
  error instanceof NativeError && error.code === 'EFBIG';
