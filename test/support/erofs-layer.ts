/** Layers in the form of EROFS images. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { writeTree } from '#native/layers.ts';
import { unpackLayerFile } from '#native/unpack.ts';
import { LayerForms } from '#node-agent/image/layer-forms.ts';
import { type TarEntry, tar } from './tar-builder.ts';

const options = { maxBytes: 1 << 30, maxEntries: 10_000, tarDigests: 'sha256' } as const;

/** Unpacks entries into a new image in `parent`. */
export async function imageFrom(
  parent: string,
  name: string,
  entries: readonly TarEntry[],
): Promise<string> {
  const image = join(parent, `${name}.erofs`);
  writeFileSync(`${image}.tar`, tar(entries));
  await unpackLayerFile(`${image}.tar`, image, { ...options, form: 'erofs' });
  return image;
}

/** The directory's tree as an image beside it. */
export async function imageOf(directory: string): Promise<string> {
  const image = `${directory}.erofs`;
  await writeTree({ root: directory, output: `${image}.tar` });
  await unpackLayerFile(`${image}.tar`, image, { ...options, form: 'erofs' });
  return image;
}

/** Ends a test file where the kernel does not take such layers. */
export async function needsErofs(): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'bayplan-test-erofs-'));
  const form = await new LayerForms('auto').choose(place);
  rmSync(place, { recursive: true, force: true });
  if (form === 'erofs') return;
  t.pass('skipped', { skip: 'needs layers as EROFS images (Linux 6.15 with EROFS)' });
  process.exit();
}
