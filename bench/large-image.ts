/** An image of a whole Debian in three layers, made of this machine's own files: always the same on one machine. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** Programs, libraries, data: many small files and a few large ones. */
const LAYERS = [
  ['bin', '/usr/bin', '/usr/sbin'],
  ['lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/python3'],
  ['share', '/usr/share'],
] as const;
/** Of each layer, so that the whole does not depend on what else is installed. */
const LAYER_BYTES = 110e6;

export interface LargeImage {
  /** A docker-archive whose layers are gzip. */
  readonly archive: string;
  readonly tarBytes: number;
  readonly gzipBytes: number;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
}

function tar(args: readonly string[], cwd: string) {
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  return spawn('tar', [...fixed, ...args], { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The files of some folders in their order, until there is enough. */
async function filesOf(folders: readonly string[]): Promise<string> {
  const found = spawn('find', [...folders, '-xdev', '-type', 'f', '-printf', '%s %p\\n'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const piece of found.stdout) text += String(piece);
  const names: string[] = [];
  let bytes = 0;
  for (const line of text
    .trimEnd()
    .split('\n')
    .sort((a, b) => (a.slice(a.indexOf(' ')) < b.slice(b.indexOf(' ')) ? -1 : 1))) {
    if (bytes > LAYER_BYTES) break;
    bytes += Number(line.slice(0, line.indexOf(' ')));
    names.push(line.slice(line.indexOf(' ') + 2));
  }
  return names.join('\n');
}

/** Writes it below the directory. */
export async function makeLargeImage(directory: string, tag: string): Promise<LargeImage> {
  const diffIds: string[] = [];
  const names: string[] = [];
  let [tarBytes, gzipBytes] = [0, 0];
  for (const [name, ...folders] of LAYERS) {
    const plain = join(directory, `${name}.tar`);
    const list = join(directory, `${name}.list`);
    await writeFile(list, await filesOf(folders));
    const made = tar(['-cf', '-', '-C', '/', '--files-from', list], directory);
    await pipeline(made.stdout, createWriteStream(plain));
    diffIds.push(`sha256:${await sha256(plain)}`);
    const packed = join(directory, `${name}.tar.gz`);
    await pipeline(createReadStream(plain), createGzip({ level: 6 }), createWriteStream(packed));
    tarBytes += (await stat(plain)).size;
    gzipBytes += (await stat(packed)).size;
    names.push(`${name}.tar.gz`);
  }
  const config = {
    created: '2024-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/usr/bin/true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: names }];
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(directory, 'image.tar');
  const whole = tar(['-cf', archive, 'manifest.json', 'config.json', ...names], directory);
  await once(whole, 'exit');
  return { archive, tarBytes, gzipBytes };
}
