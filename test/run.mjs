// Runs every check: types, lint and format, then all tests. Ends with `N passed, N failed, N skipped`.
// Arguments choose test files: `node test/run.mjs test/api`.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(home, 'node_modules/.bin');
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, FORCE_COLOR: '0' };
const chosen = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = new Map();

function check(name, command, args) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(join(bin, command), args, {
    cwd: home,
    env,
    encoding: 'utf8',
  });
  const good = status === 0;
  total[good ? 'passed' : 'failed'] += 1;
  console.log(
    `${good ? 'ok' : 'NOT OK'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  );
  if (!good) console.log(`${stdout}${stderr}`);
}

/**
 * Counts the leaves of a TAP stream (a line that closes an indented block is a group, not a leaf), shows each file's
 * line as it ends, and the whole text of files that failed.
 */
function counter() {
  let deepest = 0;
  let text = [];
  return (line) => {
    text.push(line);
    const match = /^( *)(not ok|ok) \d+(.*)$/.exec(line);
    if (match === null) return;
    const depth = match[1].length;
    const group = deepest > depth;
    deepest = depth;
    if (!group) {
      const skip = /# SKIP ?(.*)$/i.exec(match[3]);
      if (skip !== null) {
        total.skipped += 1;
        skips.set(skip[1], (skips.get(skip[1]) ?? 0) + 1);
      } else total[match[2] === 'ok' ? 'passed' : 'failed'] += 1;
    }
    if (depth > 0) return;
    console.log(match[2] === 'ok' ? line : text.join('\n'));
    text = [];
    deepest = 0;
  };
}

/** All test files; those that compare the whole machine before and after are apart: nothing else may change it. */
function testFiles() {
  const files = readdirSync(join(home, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name));
  const alone = (file) => readFileSync(join(home, file), 'utf8').includes('support/machine.ts');
  return { together: files.filter((file) => !alone(file)), alone: files.filter(alone) };
}

async function runTests(files, jobs) {
  const args = ['--reporter=tap', `--jobs=${jobs}`, ...files];
  const child = spawn(join(bin, 'tap'), args, {
    cwd: home,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const count = counter();
  for await (const line of createInterface({ input: child.stdout })) count(line);
  const code = child.exitCode ?? (await new Promise((resolve) => child.on('exit', resolve)));
  if (code !== 0 && total.failed === 0) total.failed += 1;
}

if (chosen.length === 0) {
  check('types (tsc)', 'tsc', []);
  check('lint and format (biome)', 'biome', ['ci', '--colors=off', '.']);
}
if (chosen.length > 0) await runTests(chosen, 1);
else {
  const { together, alone } = testFiles();
  await runTests(together, 2);
  await runTests(alone, 1);
}
for (const [reason, times] of skips) console.log(`skipped ${times}: ${reason}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
