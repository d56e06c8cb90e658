/** A Debian as debootstrap makes it, by Debian's docker-registry and skopeo: the same bytes all the way, the same tree at the end. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { missingPrograms, skopeo, startRegistry } from '../../../support/docker-registry.ts';
import { dockerArchive } from '../../../support/image-archives.ts';
import { loadEntries, rootOf } from '../../../support/image-store.ts';
import { impatientStore } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
t.setTimeout(300_000);
const directory = scratch('debian-registry');
const exec = promisify(execFile);
const run = async (program: string, ...args: string[]): Promise<string> =>
  (await exec(program, args, { maxBuffer: 1 << 26 })).stdout;

/** Where this machine has its packages from, or why there is no Debian to be had. */
async function mirror(): Promise<{ readonly url?: string; readonly problem?: string }> {
  const missing = missingPrograms();
  if (missing !== undefined) return { problem: missing };
  try {
    await run('debootstrap', '--version');
    const uri = await run('apt-get', '-q', 'download', '--print-uris', 'base-files');
    const url = /'(\S+?)\/pool\//.exec(uri)?.[1];
    return url === undefined ? { problem: 'apt-get knows no mirror' } : { url };
  } catch (error) {
    return { problem: `no Debian to be had: ${String(error).split('\n')[0]}` };
  }
}

/** Packages unpacked, not configured: that takes three times as long, and runs programs of theirs. */
async function debian(url: string): Promise<string> {
  const root = join(directory(), 'root');
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  await run('debootstrap', '--variant=minbase', '--foreign', codename ?? 'stable', root, url);
  return root;
}

/** Each file with kind, mode, owners, size, target and time; then the content of all. */
async function facts(root: string): Promise<string> {
  const line = '%P %y %m %U:%G %T@ %l';
  const all = ['-mindepth', '1'];
  const [listed, sized] = await Promise.all([
    run('find', `${root}/`, ...all, '-printf', `${line}\n`),
    run('find', `${root}/`, ...all, '-type', 'f', '-printf', '%P %s %n\n'),
  ]);
  const files = await run('sh', '-c', 'cd "$1" && find . -type f -exec sha256sum {} +', 'sh', root);
  return [listed, sized, files].map((text) => text.split('\n').sort().join('\n')).join('\n');
}

const { url = '', problem } = await mirror();

t.test('debootstrap, we, skopeo, we', { skip: problem ?? false }, async (t) => {
  const root = await debian(url);
  const registry = await startRegistry(directory());
  t.teardown(() => registry.stop());
  const archive = join(directory(), 'layer.tar');
  await run('tar', '--numeric-owner', '--format=posix', '-cf', archive, '-C', root, '.');
  const patience = { idleMs: 20_000 };
  const ours = await impatientStore(directory(), patience);
  const name = `${registry.host}/ours/debian:1`;
  const layers = [readFileSync(archive)];
  const [loaded] = await loadEntries(ours, dockerArchive([{ layers, tags: [name] }]));
  const { digest } = await ours.push(name);

  const layout = `oci:${directory()}:debian`;
  const [from, to] = ['ours/debian:1', 'theirs/debian:2'];
  const quiet = ['copy', '--quiet', '--preserve-digests'];
  await skopeo(...quiet, '--src-tls-verify=false', `docker://${registry.host}/${from}`, layout);
  await skopeo(...quiet, '--dest-tls-verify=false', layout, `docker://${registry.host}/${to}`);

  const theirs = await impatientStore(directory(), patience);
  const pulled = await theirs.pull(`${registry.host}/${to}`);
  t.equal(pulled.digest, digest);
  t.equal(pulled.id, loaded?.id);
  const [layer = ''] = await theirs.layers(pulled);
  const made = await facts(root);
  t.match(made, /^bin\/bash f 755 0:0 |^usr\/bin\/bash f 755 0:0 /m);
  t.equal(await facts(rootOf(layer)), made);
});
