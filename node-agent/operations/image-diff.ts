/** `bay diff IMAGE IMAGE`: what differs between the files of two images, as `docker diff` tells of a container. */
import type { Stats } from 'node:fs';
import { closeSync } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { openMerged } from '#native/layers.ts';
import type { Images, LocalImage } from '../image/images.ts';
import { noSuchImage } from '../image/lookup.ts';

export interface Change {
  readonly Path: string;
  /** Docker's numbers: changed, added, deleted. */
  readonly Kind: 0 | 1 | 2;
}

interface Sides {
  readonly from: string;
  readonly to: string;
}

/** Of a file that is read to be compared; two at a time. */
const pieceBytes = 1 << 20;

const inode = ({ ino, dev }: Stats): string => `${dev}:${ino}`;

function sameFacts(a: Stats, b: Stats): boolean {
  const isDirectory = a.isDirectory() && b.isDirectory();
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.rdev === b.rdev &&
    // A directory's time and size tell of its entries, which are looked at themselves.
    (isDirectory || (a.size === b.size && a.mtimeMs === b.mtimeMs))
  );
}

async function sameContent({ from, to }: Sides): Promise<boolean> {
  const [a, b] = [await open(onDisk(from), 'r'), await open(onDisk(to), 'r')];
  try {
    const [one, two] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
    for (;;) {
      const [read, other] = await Promise.all([a.read(one), b.read(two)]);
      if (read.bytesRead !== other.bytesRead) return false;
      if (read.bytesRead === 0) return true;
      if (one.compare(two, 0, read.bytesRead, 0, read.bytesRead) !== 0) return false;
    }
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

/** Times may be the same though the content is not: commits here give every file the same time. */
async function isSame(sides: Sides, a: Stats, b: Stats): Promise<boolean> {
  if (!sameFacts(a, b)) return false;
  if (a.isSymbolicLink()) return (await linkAt(sides.from)) === (await linkAt(sides.to));
  if (!a.isFile() || inode(a) === inode(b)) return true;
  return sameContent(sides);
}

const entries = async (path: string): Promise<string[]> =>
  (await readdir(onDisk(path), { encoding: 'latin1' })).sort();

const linkAt = (path: string): Promise<string> => readlink(onDisk(path), { encoding: 'latin1' });

async function compare(sides: Sides, path: string, found: Change[]): Promise<boolean> {
  const [before, after] = [new Set(await entries(sides.from)), new Set(await entries(sides.to))];
  const count = found.length;
  for (const name of [...new Set([...before, ...after])].sort()) {
    const at = `${path}/${name}`;
    const below = { from: `${sides.from}/${name}`, to: `${sides.to}/${name}` };
    if (!before.has(name)) await added(below.to, at, found);
    else if (!after.has(name)) found.push({ Path: at, Kind: 2 });
    else await changed(below, at, found);
  }
  return found.length > count;
}

/** Paths are bytes: one character each here. */
const onDisk = (path: string): Buffer => Buffer.from(path, 'latin1');

async function changed(sides: Sides, at: string, found: Change[]): Promise<void> {
  const [a, b] = await Promise.all([lstat(onDisk(sides.from)), lstat(onDisk(sides.to))]);
  if (a.isDirectory() && b.isDirectory()) {
    const place = found.length;
    const differs = await compare(sides, at, found);
    // Those above a change are changed, as docker has it; they come before it.
    if (differs || !sameFacts(a, b)) found.splice(place, 0, { Path: at, Kind: 0 });
  } else if (!(await isSame(sides, a, b))) {
    found.push({ Path: at, Kind: 0 });
    if (b.isDirectory()) await addedBelow(sides.to, at, found);
  }
}

async function added(path: string, at: string, found: Change[]): Promise<void> {
  found.push({ Path: at, Kind: 1 });
  if ((await lstat(onDisk(path))).isDirectory()) await addedBelow(path, at, found);
}

async function addedBelow(path: string, at: string, found: Change[]): Promise<void> {
  for (const name of await entries(path)) await added(`${path}/${name}`, `${at}/${name}`, found);
}

const utf8 = ({ Path, Kind }: Change): Change => ({ Path: onDisk(Path).toString('utf8'), Kind });

/** @throws ImageError `NotFound` */
export async function diffImages(images: Images, from: string, to: string): Promise<Change[]> {
  const [a, b] = await Promise.all([required(images, from), required(images, to)]);
  if (a.digest === b.digest) return [];
  const layers = await Promise.all([images.layers(a), images.layers(b)]);
  const roots: number[] = [];
  try {
    for (const each of layers) roots.push(openMerged(each.toReversed()));
    const [one, two] = roots.map((root) => `/proc/self/fd/${root}`);
    const found: Change[] = [];
    await compare({ from: one ?? '', to: two ?? '' }, '', found);
    return found.map(utf8);
  } finally {
    for (const root of roots) closeSync(root);
  }
}

async function required(images: Images, reference: string): Promise<LocalImage> {
  const image = await images.find(reference);
  if (image === undefined) throw noSuchImage(reference);
  return image;
}
