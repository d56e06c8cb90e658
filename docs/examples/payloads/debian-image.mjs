#!/usr/bin/env node
/**
 * Makes an image of Debian packages, without running anything of theirs: `debian-image.mjs DIRECTORY FILE` writes a tar
 * archive and prints the command that imports it. The directory's image.json says
 *
 *   name       the image's
 *   packages   what is in it, with all that depends on (the first alternative of each)
 *   without    dependencies that a container does not need
 *   changes    of its configuration, as a Dockerfile writes them
 *
 * and its `files`, if there are any, go on top. Programs of busybox fill in for the shell and what else is missing.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What packages want for being installed, which these are not. */
const installers =
  'adduser debconf debianutils dpkg init-system-helpers libpam-modules libpam-runtime lsb-base passwd perl perl-base ' +
  'sensible-utils sysvinit-utils ucf';

const run = (command, args, options = {}) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, ...options });

/** What the packages depend on, the first alternative of each; asked for all at once, for a look into the index is slow. */
function dependencies(names) {
  const facts = run('apt-cache', ['show', '--no-all-versions', ...names]);
  return [...facts.matchAll(/^(?:Pre-)?Depends: (.*)$/gm)].flatMap(([, list]) =>
    list.split(',').map((choice) => choice.trim().split(/[ (:|]/)[0]),
  );
}

/** The names of the packages and of all they depend on. */
function closure(wanted, without) {
  const found = new Set();
  for (let next = wanted; next.length > 0; ) {
    for (const name of next) found.add(name);
    next = [...new Set(dependencies(next))].filter(
      (name) => !found.has(name) && !without.has(name),
    );
  }
  return [...found];
}

/** Unpacks the packages; what is in / and in /usr of old is one on a system of today. */
function unpack(names, root, downloads) {
  // Who reads these is no user of its own that downloads could be given to.
  const options = ['-q', '-o', 'APT::Sandbox::User=root'];
  run('apt-get', [...options, 'download', ...names], {
    cwd: downloads,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const file of readdirSync(downloads)) {
    const archive = run('dpkg-deb', ['--fsys-tarfile', file], {
      cwd: downloads,
      encoding: 'buffer',
    });
    run('tar', ['-x', '--keep-directory-symlink', '-C', root], { input: archive });
  }
}

/** Busybox under the name of each of its programs that nobody brought. */
function fillIn(root) {
  const path = join(root, 'usr/bin/busybox');
  if (!existsSync(path)) throw new Error('busybox-static has no /bin/busybox');
  for (const name of run(path, ['--list']).trim().split('\n')) {
    const place = join(root, 'usr/bin', name);
    if (!lstatSync(place, { throwIfNoEntry: false })) symlinkSync('busybox', place);
  }
}

function settle(root) {
  mkdirSync(join(root, 'etc'), { recursive: true });
  for (const name of ['dev', 'proc', 'sys', 'run', 'root'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['tmp', 'var/tmp']) {
    mkdirSync(join(root, name), { recursive: true });
    chmodSync(join(root, name), 0o1777);
  }
  const users = ['root:x:0:0:root:/root:/bin/sh', 'app:x:999:999:app:/var/empty:/bin/sh'];
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\napp:x:999:\n');
  for (const name of ['doc', 'man', 'locale', 'lintian', 'info']) {
    rmSync(join(root, 'usr/share', name), { recursive: true, force: true });
  }
}

const [directory, file] = process.argv.slice(2);
if (directory === undefined || file === undefined) {
  console.error('debian-image: give a directory with an image.json, and the file to write');
  process.exit(2);
}
const { name, packages, without, changes } = JSON.parse(
  readFileSync(join(directory, 'image.json'), 'utf8'),
);
const work = mkdtempSync(join(tmpdir(), 'debian-image-'));
try {
  const [root, downloads] = [join(work, 'root'), join(work, 'packages')];
  mkdirSync(root);
  mkdirSync(downloads);
  const left = new Set([...installers.split(' '), ...without]);
  unpack(closure([...packages, 'busybox-static'], left), root, downloads);
  fillIn(root);
  settle(root);
  const files = join(directory, 'files');
  if (existsSync(files)) cpSync(files, root, { recursive: true });
  const owned = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  run('tar', ['-c', ...owned, '-C', root, '-f', resolve(file), '.']);
  const options = changes.map((change) => `--change '${change}'`);
  console.log(`bay import ${options.join(' ')} ${file} ${name}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
