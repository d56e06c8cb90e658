// Sets this checkout up: Debian packages, npm packages, the native parts, the built-in image.
// Runs on any Node >= 18 without dependencies, says what it does, and does nothing when all is there.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeName, entryPoints, isPacked, packedFolder, starterName } from './packed.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(home, 'node_modules');
const baseImage = join(home, 'native/build/base-image.tar');

/** What must be on PATH, and the Debian package that brings it. */
const programs = {
  etcd: 'etcd-server',
  git: 'git',
  nft: 'nftables',
  'g++': 'g++',
  make: 'make',
  'musl-gcc': 'musl-tools',
  busybox: 'busybox-static',
  setpriv: 'util-linux',
};

/** Makes the unpacking of gzip twice as fast; done without where it cannot be had (native/Makefile). */
const libraries = { '/usr/include/isa-l/igzip_lib.h': 'libisal-dev' };

/** What only tests use; those that need one are skipped, with the reason, where it cannot be had. Asked for with `--test`. */
const testPrograms = {
  debootstrap: 'debootstrap',
  etcdctl: 'etcd-client',
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
  umoci: 'umoci',
};

const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text) {
  say(text);
  process.exit(1);
}

function onPath(program) {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a step with its output shown; stops with the command and its exit code when it fails. */
function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: home, stdio: 'inherit', ...options });
  if (error) fail(`cannot run ${command}: ${error.message}`);
  if (status !== 0) fail(`'${command} ${args.join(' ')}' failed with exit code ${status}`);
}

function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(`Bayplan runs on 64-bit x86 Linux; this is ${process.platform} ${process.arch}`);
  }
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 18) fail(`Node 18 or newer is needed to set up; this is ${process.versions.node}`);
}

function missingPackages(wanted) {
  const missing = Object.entries(wanted).filter(([program]) => !onPath(program));
  return missing.map(([, pack]) => pack);
}

function installPackages() {
  const isDebian = existsSync('/etc/debian_version');
  const wanted = isDebian ? Object.entries(libraries) : [];
  const absent = wanted.flatMap(([header, pack]) => (existsSync(header) ? [] : [pack]));
  const missing = [...missingPackages(programs), ...absent];
  if (missing.length === 0) return;
  if (!isDebian) {
    fail(
      `these programs are missing; install what brings them, then run this again: ${missing.join(', ')}`,
    );
  }
  const root = process.getuid?.() === 0;
  const apt = root ? [] : ['sudo'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  say(`installing Debian packages: ${missing.join(' ')}`);
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  const aptGet = (...args) => {
    const [command, ...rest] = [...apt, 'apt-get', '-qq', ...args];
    run(command, rest, quiet);
  };
  aptGet('update');
  aptGet('install', '-y', '--no-install-recommends', ...missing);
}

function installTestPackages() {
  const missing = missingPackages(testPrograms);
  if (missing.length === 0 || !existsSync('/etc/debian_version')) return;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quietly = (...words) => {
    const [command, ...args] = [...sudo, ...words];
    return spawnSync(command, args, { env, stdio: 'ignore' }).status === 0;
  };
  say(`installing Debian packages for tests: ${missing.join(' ')}`);
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  const isDone = quietly('apt-get', '-qq', 'update') && quietly('apt-get', '-qq', ...install);
  if (!isDone) say(`not installed: ${missing.join(' ')}; tests that need them are skipped`);
  // The package starts a registry for everybody; tests start their own.
  if (missing.includes('docker-registry'))
    quietly('systemctl', 'disable', '--now', 'docker-registry');
}

function installModules() {
  const stamp = join(modules, '.setup-stamp');
  const lock = readFileSync(join(home, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing npm packages (npm ci)');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, wanted);
}

function buildNative() {
  const upToDate = spawnSync('make', ['-C', join(home, 'native'), '--question'], {
    stdio: 'ignore',
  });
  if (upToDate.status === 0) return;
  say('building native parts');
  run('make', ['-C', 'native', '--silent', '-j2']);
}

async function makeBaseImage() {
  if (existsSync(baseImage)) return;
  say('making the built-in image bayplan.local/busybox:latest');
  mkdirSync(dirname(baseImage), { recursive: true });
  const image = await import(join(home, 'node-agent/image/base-image.mjs'));
  await image.makeBaseImage(baseImage);
}

/** All modules of the project, as paths from the top. */
function projectModules() {
  return ['api', 'cli', 'controller', 'native', 'node-agent']
    .flatMap((folder) =>
      readdirSync(join(home, folder), { recursive: true }).map((name) => join(folder, name)),
    )
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .filter((name) => !/(^|\/)main\.ts$/.test(name) && !entryPoints.includes(name));
}

/** As in `cli/up/node-program.ts`. */
const heap = [
  '--expose-gc',
  '--max-semi-space-size=2',
  '--no-parallel-scavenge',
  '--heap-growing-percent=70',
];

/** As in `bay`. */
const compileCache = join(modules, '.cache/compile');
const cacheEnv = { ...process.env, NODE_COMPILE_CACHE: compileCache };

/** Loads modules, so that their compiled code is kept. */
function load(paths) {
  const imports = paths.map((path) => `await import(${JSON.stringify(path)});`);
  const script = `${imports.join('')}process.exit(0)`;
  run(join(modules, '.bin/node'), [...heap, '--input-type=module', '--eval', script], {
    env: cacheEnv,
  });
}

/** Starts a program without arguments. */
function start(path) {
  const options = { env: cacheEnv, stdio: 'ignore', timeout: 10_000 };
  spawnSync(join(modules, '.bin/node'), [...heap, path], options);
}

/**
 * Loads every module once, so that the first start is as fast as the second. It is more than time: whoever meets one module that is
 * not in the cache loads what strips types, and keeps 15 MiB for it.
 */
function fillCompileCache() {
  if (existsSync(compileCache)) return;
  say('compiling');
  load(projectModules().map((name) => join(home, name)));
  for (const program of entryPoints) start(join(home, program));
}

/** Packs the programs anew when a source has changed since: they would run their sources then, slower. */
function packPrograms() {
  if (isPacked()) return;
  say('packing');
  const node = join(modules, '.bin/node');
  run(node, [join(home, 'cli/pack.mjs')]);
  const code = join(home, packedFolder, 'code');
  const runs = (name) => entryPoints.some((program) => name.startsWith(`${codeName(program)}-`));
  const late = readdirSync(code).filter((name) => !runs(name));
  load(late.map((name) => join(code, name)));
  for (const program of entryPoints) start(join(home, packedFolder, starterName(program)));
}

checkMachine();
installPackages();
if (process.argv.includes('--test')) installTestPackages();
installModules();
buildNative();
await makeBaseImage();
fillCompileCache();
packPrograms();
const version = execFileSync(join(modules, '.bin/node'), ['--version'], {
  encoding: 'utf8',
}).trim();
if (!version.startsWith('v24.'))
  fail(`the pinned Node is ${version}, expected v24; remove node_modules`);
