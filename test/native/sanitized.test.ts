/** The addon and the supervisor under AddressSanitizer and UndefinedBehaviorSanitizer, with tests of theirs. */

import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import t from 'tap';
import { scratch } from '../support/scratch.ts';
import { hasSanitizers } from './sanitizers.ts';

const native = resolve(import.meta.dirname, '../../native');
const sanitized = `${native}/build/sanitized`;
const fresh = scratch('sanitized');
t.setTimeout(3_600_000);

/** Tests of `bay oci` that run, under a preloaded AddressSanitizer, what stands still or fails there whatever we do. */
const oci = [
  // ps(1), which waits for ever for a lock of the GNU library's
  'exec',
  'life',
  // limits of memory below what the sanitizer maps
  'process-names',
  // a preloaded library of its own
  'interrupted',
  // other runtimes and their callers
  'containerd',
  'podman',
  'podman-options',
  'rootless-peers',
  'rootless-podman',
].map((name) => `../node-agent/oci/${name}`);

/** But for those with a build of their own, and those that preload a library: AddressSanitizer's must be the first. */
function allTests(): string[] {
  const preload = ['interrupted', 'supervisor-dies'].map(
    (name) => `../node-agent/container/${name}`,
  );
  const own = ['sanitized', 'fuzz', ...preload, ...oci].map((name) =>
    resolve(import.meta.dirname, `${name}.test.ts`),
  );
  return ['*', '../node-agent/container/**/*', '../node-agent/oci/*']
    .flatMap((place) => globSync(resolve(import.meta.dirname, `${place}.test.ts`)))
    .filter((path) => !own.includes(path))
    .map((path) => relative(import.meta.dirname, path).replace(/\.test\.ts$/, ''))
    .sort();
}

/**
 * `TESTS='mounts process' node test/native/sanitized.test.ts` runs others, those of the node agent by their path, and
 * `TESTS=all` all of test/native, test/node-agent/container and test/node-agent/oci.
 */
const asked =
  process.env['TESTS'] ??
  'files namespaces netlink hand-over supervisor unpack hostile-layers write-layer write-tree ../node-agent/container/session';
const tests = asked === 'all' ? allTests() : asked.split(' ');

/** With a cache of compiled files where there is one: it takes a minute. */
function build(): void {
  const cached = spawnSync('ccache', ['--version']).status === 0 ? 'ccache ' : '';
  const compilers = [`CC=${cached}gcc`, `CXX=${cached}g++`];
  const targets = ['sanitize', 'sanitize-addon', 'sanitize-planted'];
  execFileSync('make', ['-s', '-C', native, ...targets, ...compilers]);
}

const libraryOf = (name: string): string =>
  execFileSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();

/** A process whose addon and supervisors are these; what the addon's sanitizers find is in files of `found`. */
function environment(found: string, parts: { addon: string; supervisor: string }) {
  const options = `log_path=${found}/report:print_stacktrace=1`;
  return {
    ...process.env,
    LD_PRELOAD: libraryOf('libasan.so'),
    BAY_ADDON: `${sanitized}/${parts.addon}`,
    BAY_SUPERVISOR: `${sanitized}/${parts.supervisor}`,
    // Everything takes longer.
    TAP_TIMEOUT: '600',
    // Node does not give back what it has at its end.
    ASAN_OPTIONS: `detect_leaks=0:${options}`,
    UBSAN_OPTIONS: options,
  };
}

/** A supervisor gets no environment; where its reports are is built in (native/src/fuzz/options.c). */
const ofSupervisors = (since: number): string[] =>
  globSync('/tmp/bay-sanitizer.*').filter(
    (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since,
  );

/** All that was found, and nothing of it is left. */
function reports(found: string, since: number): string[] {
  const own = readdirSync(found).map((name) => `${found}/${name}`);
  return [...own, ...ofSupervisors(since)].map((path) => {
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    return text;
  });
}

const skip = !hasSanitizers() && 'needs a gcc with sanitizers';
if (skip === false) build();

const planted = {
  Address: /AddressSanitizer: heap-buffer-overflow/,
  Undefined: /runtime error: signed integer overflow/i,
};

t.test('faults that are made on purpose are found, in both', { skip }, async (t) => {
  const parts = { addon: 'planted.node', supervisor: 'planted-supervisor' };
  for (const [kind, expected] of Object.entries(planted)) {
    const since = Date.now();
    const found = fresh();
    const env = environment(found, parts);
    const make = (...words: string[]) => {
      const program = resolve(import.meta.dirname, 'planted.ts');
      return spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
    };
    const addon = make('addon', `planted${kind}`);
    t.not(addon.status, 0, `${kind}: the addon’s process has ended by it`);
    // UndefinedBehaviorSanitizer's go to stderr, whatever its options say.
    const told = [...reports(found, since), addon.stderr].join('\n');
    t.match(told, expected, `${kind}: reported of the addon`);
    const supervisor = make('supervisor', `planted-${kind.toLowerCase()}`, fresh());
    t.notMatch(supervisor.stdout, /^answered/m, `${kind}: the supervisor has ended by it`);
    t.match(reports(found, since).join('\n'), expected, `${kind}: reported of the supervisor`);
  }
  const without = environment(fresh(), parts);
  const program = resolve(import.meta.dirname, 'planted.ts');
  const words = [program, 'supervisor', 'none', fresh()];
  t.match(
    spawnSync(process.execPath, words, { env: without, encoding: 'utf8' }).stdout,
    'answered',
  );
});

t.test('addon and supervisor', { skip }, async (t) => {
  const found = fresh();
  const since = Date.now();
  const env = environment(found, { addon: 'native.node', supervisor: 'supervisor' });
  for (const name of tests) {
    const path = resolve(import.meta.dirname, `${name}.test.ts`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
      env,
      encoding: 'utf8',
    });
    const wrong = stdout.split('\n').filter((line) => /^ *not ok/.test(line));
    t.strictSame({ status, wrong }, { status: 0, wrong: [] }, name);
    t.notMatch(stderr, /runtime error:|AddressSanitizer/, name);
  }
  t.strictSame(reports(found, since), []);
});
