/**
 * Makes the built-in base image, `bayplan.local/busybox:latest`, from the static busybox of the machine: a docker-archive as
 * `docker save` writes it. Plain JavaScript for any Node >= 18, without dependencies, because set-up runs it before anything
 * is installed. The same busybox always gives the same bytes.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export const BASE_IMAGE = 'bayplan.local/busybox:latest';

const BLOCK = 512;
const ARCHITECTURES = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n';
const GROUP = 'root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n';

/** One ustar header; times are 0 and owners root, so that nothing of this machine gets in. */
function header(name, { type, mode, size = 0, link = '' }) {
  const block = Buffer.alloc(BLOCK);
  const octal = (value, length) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(name, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write(link, 157, 100);
  block.write('ustar\u000000', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function file(name, content, mode = 0o644) {
  const bytes = Buffer.from(content);
  const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return Buffer.concat([header(name, { type: '0', mode, size: bytes.length }), bytes, padding]);
}

const directory = (name, mode = 0o755) => header(`${name}/`, { type: '5', mode });
const hardLink = (name, link) => header(name, { type: '1', mode: 0o755, link });
const tar = (entries) => Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]);
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

function layer(busybox) {
  const list = execFileSync(busybox, ['--list'], { encoding: 'utf8' });
  const applets = [...new Set(list.split('\n'))].filter((name) => name !== '').sort();
  return tar([
    directory('bin'),
    file('bin/busybox', readFileSync(busybox), 0o755),
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => hardLink(`bin/${name}`, 'bin/busybox')),
    directory('etc'),
    file('etc/group', GROUP),
    file('etc/passwd', PASSWD),
    directory('home'),
    directory('root', 0o700),
    directory('tmp', 0o1777),
    directory('usr'),
    directory('usr/bin'),
    hardLink('usr/bin/env', 'bin/busybox'),
    directory('var'),
  ]);
}

function findBusybox() {
  const found = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'make the base image: /bin/busybox is missing; install it (Debian: apt-get install busybox-static)',
  );
}

/**
 * Writes the archive to `outFile`, whole or not at all.
 * @param {string} outFile
 * @param {{ busybox?: string }} [options] `busybox`: a statically linked one that is not in its usual place
 * @returns {Promise<void>}
 */
export async function makeBaseImage(outFile, { busybox = findBusybox() } = {}) {
  const rootfs = layer(busybox);
  const config = JSON.stringify({
    created: '1970-01-01T00:00:00Z',
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Env: [`PATH=${PATH}`], Cmd: ['sh'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest(rootfs)}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'busybox --list' }],
  });
  const configName = `${digest(config)}.json`;
  const layerName = `${digest(rootfs)}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: [BASE_IMAGE], Layers: [layerName] }];
  const archive = tar([
    file('manifest.json', JSON.stringify(manifest)),
    file(configName, config),
    file(layerName, rootfs),
  ]);
  const temporary = `${outFile}.${process.pid}.tmp`;
  writeFileSync(temporary, archive, { mode: 0o644 });
  renameSync(temporary, outFile);
}
