/** Layers in the form of EROFS images. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { forgetLayer } from '#native/layer-mounts.ts';
import { openMerged } from '#native/layers.ts';

/** The directory's tree as an image beside it. */
export function imageOf(directory: string): string {
  const file = `${directory}.erofs`;
  execFileSync('mkfs.erofs', [file, directory], { stdio: 'ignore' });
  return file;
}

/** Ends a test file where the kernel does not take such layers, or nothing makes them. */
export function needsErofs(): void {
  const directory = mkdtempSync(join(tmpdir(), 'bayplan-test-erofs-'));
  try {
    const layers = ['above', 'below'].map((name) => join(directory, name));
    for (const layer of layers) mkdirSync(layer);
    const images = layers.map(imageOf);
    closeSync(openMerged(images));
    images.forEach(forgetLayer);
  } catch (error) {
    t.pass('skipped', { skip: `needs layers as EROFS images: ${String(error)}` });
    process.exit();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
