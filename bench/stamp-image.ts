/** An image of one static program that tells when it began. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export const stampImage = 'bayplan.local/stamp:latest';

async function tar(
  entries: readonly [name: string, content: Buffer, mode: number][],
): Promise<Buffer> {
  const archive = pack();
  for (const [name, content, mode] of entries) archive.entry({ name, mode }, content);
  archive.finalize();
  return buffer(archive);
}

/** Compiles the program in `folder` and resolves with a docker-archive of the image. */
export async function makeStampImage(folder: string): Promise<Buffer> {
  const program = join(folder, 'stamp');
  const source = join(import.meta.dirname, 'stamp.c');
  execFileSync('musl-gcc', ['-Os', '-static', '-s', '-o', program, source]);
  const layer = await tar([['stamp', readFileSync(program), 0o755]]);
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/stamp'] },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [stampImage], Layers: ['layer.tar'] }];
  return tar([
    ['config.json', Buffer.from(JSON.stringify(config)), 0o644],
    ['layer.tar', layer, 0o644],
    ['manifest.json', Buffer.from(JSON.stringify(manifest)), 0o644],
  ]);
}
