/** What `docker rmi` may take away: names, and content that neither a name nor a container needs. Pure. */
import type { StoredImage } from './image-table.ts';
import { ImageError } from './images.ts';
import type { Found } from './lookup.ts';

export interface ImageUser {
  /** As a person knows it. */
  readonly container: string;
  readonly running: boolean;
}

export interface RemoveOptions {
  /** Names go though containers use the image; what a container needs stays without a name. */
  readonly force: boolean;
  /** Who uses what, by the manifest's digest. */
  readonly users: ReadonlyMap<string, ImageUser>;
}

/** Nobody is asked who uses what. */
export const unguarded: RemoveOptions = { force: true, users: new Map() };

export interface Removed {
  readonly untagged: readonly string[];
  /** Image IDs. */
  readonly deleted: readonly string[];
}

export interface Removal extends Removed {
  /** The table afterwards. */
  readonly images: readonly StoredImage[];
}

const short = (id: string): string => id.replace(/^sha\d+:/, '').slice(0, 12);
const repositoryOf = (tag: string): string => tag.slice(0, tag.lastIndexOf(':'));

/** @throws ImageError `InUse`, in Docker's words */
export function removal(
  all: readonly StoredImage[],
  { image, tag }: Found,
  { force, users }: RemoveOptions,
): Removal {
  const user = users.get(image.digest);
  const left = tag === undefined ? [] : image.tags.filter((other) => other !== tag);
  const untagged = tag === undefined ? image.tags : [tag];
  if (left.length === 0) refuse(image, tag, { force, user });
  const others = all.filter((other) => other !== image);
  const stays = left.length > 0 || user !== undefined;
  const images = stays ? [...others, { ...image, tags: left }] : others;
  return { images, untagged, deleted: stays ? [] : [image.id] };
}

function refuse(
  image: StoredImage,
  tag: string | undefined,
  { force, user }: { readonly force: boolean; readonly user: ImageUser | undefined },
): void {
  if (tag !== undefined) {
    if (force || user === undefined) return;
    throw conflict(
      `remove repository reference "${tag}" (must force) - container ${user.container} is using its referenced image ${short(image.id)}`,
    );
  }
  if (user?.running === true) {
    throw conflict(
      `delete ${short(image.id)} (cannot be forced) - image is being used by running container ${user.container}`,
    );
  }
  if (force) return;
  if (user !== undefined) {
    throw conflict(
      `delete ${short(image.id)} (must be forced) - image is being used by stopped container ${user.container}`,
    );
  }
  if (new Set(image.tags.map(repositoryOf)).size > 1) {
    throw conflict(
      `delete ${short(image.id)} (must be forced) - image is referenced in multiple repositories`,
    );
  }
}

const conflict = (why: string): ImageError => new ImageError('InUse', `conflict: unable to ${why}`);
