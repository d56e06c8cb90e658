/** A layer unpacked as a directory and as an EROFS image: both are taken or refused alike, and show the same. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { forgetLayer, openLayers } from '#native/layer-mounts.ts';
import { openMerged, writeTree } from '#native/layers.ts';
import { unpackLayerFile } from '#native/unpack.ts';

interface Limits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** Whether the kernel knows the file system; since it takes images from files (6.12) it is asked for no more. */
export const hasErofs = (): boolean =>
  /^(nodev)?\terofs$/m.test(readFileSync('/proc/filesystems', 'utf8'));

/** What can be seen of each path; of directories no more than what an archive says of them. */
function treeOf(root: string, path = ''): Record<string, unknown>[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => {
      const at = join(path, name);
      const facts = lstatSync(join(root, at), { bigint: true });
      const { mode, uid, gid, rdev } = facts;
      const own = { at, mode, uid, gid };
      if (facts.isDirectory()) return [own, ...treeOf(root, at)];
      const { size, nlink, mtimeNs } = facts;
      const node = { ...own, nlink };
      if (facts.isSymbolicLink())
        return [{ ...node, mtimeNs, link: readlinkSync(join(root, at), 'latin1') }];
      // A whiteout has nobody's time.
      if (!facts.isFile()) return [rdev === 0n ? { ...own, rdev } : { ...node, rdev, mtimeNs }];
      const content = createHash('sha256')
        .update(readFileSync(join(root, at)))
        .digest('hex');
      return [{ ...node, size, mtimeNs, content }];
    });
}

/** With attributes, links and what the layer hides of `base`. */
async function digestOver(layer: string, base: string, output: string): Promise<string> {
  const root = openMerged([layer, base]);
  try {
    return (await writeTree({ root, output, digests: 'sha256', times: 1 })).digest;
  } finally {
    closeSync(root);
  }
}

async function outcomeOf(unpacking: Promise<unknown>) {
  return unpacking.then(
    (facts) => ({ facts, error: undefined }),
    ({ message, entry }: Error & { entry?: string }) => ({
      facts: undefined,
      error: { message, entry },
    }),
  );
}

/** `place`: an empty directory. `base`: what the layer may hide. The answer is the refusal's message, if it is refused. */
export async function unpackBothForms(
  t: Test,
  archive: Uint8Array,
  { place, base, limits, name }: { place: string; base: string; limits: Limits; name: string },
): Promise<string | undefined> {
  const [file, directory, image] = ['archive', 'directory', 'image'].map((one) => join(place, one));
  await writeFile(file as string, archive);
  mkdirSync(directory as string, { mode: 0o755 });
  const options = { ...limits, tarDigests: 'sha256' } as const;
  const wanted = await outcomeOf(unpackLayerFile(file as string, directory as string, options));
  const found = await outcomeOf(
    unpackLayerFile(file as string, image as string, { ...options, form: 'erofs' }),
  );
  t.strictSame(found, wanted, `${name}: taken or refused alike`);
  const beside = readdirSync(place).filter((one) => one !== 'image');
  t.strictSame(beside, ['archive', 'directory'], `${name}: nothing is beside them`);
  if (found.error !== undefined) return found.error.message;
  const opened = await openLayers([image as string]);
  try {
    t.strictSame(treeOf(opened.paths[0] ?? ''), treeOf(directory as string), `${name}: the tree`);
  } finally {
    opened.close();
  }
  const over = (layer: string) => digestOver(layer, base, `${layer}.digest`);
  t.equal(await over(image as string), await over(directory as string), `${name}: over another`);
  forgetLayer(image as string);
  return undefined;
}

/** The same in places of its own, over nothing, where the kernel knows images. `why`: it is refused. */
export async function sameInBothForms(
  t: Test,
  archive: Uint8Array,
  of: { readonly fresh: () => string; readonly limits: Limits; readonly name: string },
  why?: RegExp,
): Promise<void> {
  if (!hasErofs()) return;
  const { fresh, limits, name } = of;
  const refusal = await unpackBothForms(t, archive, {
    place: fresh(),
    base: fresh(),
    limits,
    name,
  });
  if (why !== undefined) t.match(refusal, why, name);
}
