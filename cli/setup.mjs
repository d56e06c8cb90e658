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

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(home, 'node_modules');
const baseImage = join(home, 'native/build/base-image.tar');

/** What must be on PATH, and the Debian package that brings it. */
const programs = {
  etcd: 'etcd-server',
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
  etcdctl: 'etcd-client',
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
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

/** Programs: they run when they are loaded; without arguments they say how they are used and end. */
const entryPoints = [
  'api/main.ts',
  'controller/main.ts',
  'node-agent/main.ts',
  'node-agent/oci/main.ts',
  'cli/up/resume.ts',
  'cli/main.ts',
];

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
const heap = ['--expose-gc', '--max-semi-space-size=2'];

/**
 * Loads every module once, so that the first start is as fast as the second. It is more than time: whoever meets one module that is
 * not in the cache loads what strips types, and keeps 15 MiB for it.
 */
function fillCompileCache() {
  const cache = join(modules, '.cache/compile');
  if (existsSync(cache)) return;
  say('compiling');
  const imports = projectModules().map(
    (name) => `await import(${JSON.stringify(join(home, name))});`,
  );
  const node = join(modules, '.bin/node');
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  run(node, [...heap, '--input-type=module', '--eval', `${imports.join('')}process.exit(0)`], {
    env,
  });
  for (const program of entryPoints) {
    spawnSync(node, [...heap, join(home, program)], { env, stdio: 'ignore', timeout: 10_000 });
  }
}

checkMachine();
installPackages();
if (process.argv.includes('--test')) installTestPackages();
installModules();
buildNative();
await makeBaseImage();
fillCompileCache();
const version = execFileSync(join(modules, '.bin/node'), ['--version'], {
  encoding: 'utf8',
}).trim();
if (!version.startsWith('v24.'))
  fail(`the pinned Node is ${version}, expected v24; remove node_modules`);
