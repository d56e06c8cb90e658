/** Logs that grow, and disks that do not take them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { runSteps } from '#native/spawn.ts';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import {
  containerSpec,
  exited,
  logText,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

const node = await startNode('logs');
t.teardown(() => stopNode(node));
const sandbox = sandboxSpec(node);
await node.runtime.createSandbox(sandbox);
const shared = `${node.directory}/shared`;
mkdirSync(shared);
const volume = { type: 'bind', source: shared, target: '/shared', readonly: false } as const;

const text = (path: string) => readFileSync(path, 'utf8');

/** What the file says now; nothing when rotation has just given it another name. */
function textNow(path: string): string {
  try {
    return text(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

const lost = /^\S+ stderr F \[(\d+) lines? (?:is|are) missing here\]$/gm;

/** Starts a script that can see `shared`. */
async function start(script: string, change: Parameters<typeof containerSpec>[2] = {}) {
  const args = ['sh', '-c', script];
  const spec = containerSpec(node, sandbox.id, { args, mounts: [volume], ...change });
  await node.runtime.start(spec);
  return spec;
}

async function remove(spec: { readonly id: string; readonly layerDir: string }) {
  await node.runtime.remove(spec.id);
  await node.runtime.removeLayer(spec.layerDir);
}

t.test('a log is rotated as it grows, and no line is lost', async (t) => {
  const burst = 'i=$((n * 400)); n=$((n + 1)); while [ $i -lt $((n * 400)) ]; do';
  const wait = 'while [ ! -e /shared/go$n ]; do sleep 0.01; done';
  const spec = await start(
    `n=0; for turn in 1 2 3 4 5; do ${burst} echo "line $i"; i=$((i + 1)); done; ${wait}; done`,
    { logLimits: { rotateBytes: 12_000, files: 3 } },
  );
  for (let turn = 1; turn <= 5; turn++) {
    const last = `line ${turn * 400 - 1}\n`;
    const files = [`${spec.logPath}.1`, spec.logPath];
    await until('the lines', () => files.some((path) => textNow(path).includes(last)));
    await until('rotation', () => {
      const log = statSync(spec.logPath, { throwIfNoEntry: false });
      return log !== undefined && log.size < 12_000;
    });
    writeFileSync(`${shared}/go${turn}`, '');
  }
  await exited(node, spec.id);
  const kept = [`${spec.logPath}.2`, `${spec.logPath}.1`, spec.logPath].map(logText).join('');
  const numbers = [...kept.matchAll(/^line (\d+)$/gm)].map((match) => Number(match[1]));
  t.equal(numbers.at(-1), 1999);
  t.ok(numbers.length > 400);
  t.strictSame(
    numbers,
    numbers.map((_, index) => 2000 - numbers.length + index),
  );
  t.notOk(existsSync(`${spec.logPath}.3`));
  await remove(spec);
});

t.test('long lines come in parts, and parts of two streams do not mix', async (t) => {
  const spec = await start(
    `head -c 100000 /dev/zero | tr '\\0' a; printf '\\nshort\\n'
     i=0; while [ $i -lt 50 ]; do printf o; printf e >&2; i=$((i + 1)); done; printf end`,
  );
  t.equal((await exited(node, spec.id)).exitCode, 0);
  const lines = text(spec.logPath).trimEnd().split('\n');
  t.notOk(
    lines.some((line) => line.length > 20_000),
    'no line is longer than a reader holds',
  );
  t.ok(lines.filter((line) => / stdout P a+$/.test(line)).length > 3, 'parts are marked');
  const of = (stream: string) =>
    lines
      .filter((line) => line.split(' ')[1] === stream)
      .map((line) => line.split(' ').slice(3).join(' ') + (line.split(' ')[2] === 'F' ? '\n' : ''))
      .join('');
  t.ok(of('stdout') === `${'a'.repeat(100_000)}\nshort\n${'o'.repeat(50)}end`);
  t.equal(of('stderr'), 'e'.repeat(50));
  await remove(spec);
});

t.test('what a container said that died at once is there, on a full disk its end is', async (t) => {
  for (const [script, said, exitCode] of [
    ["exec 2>/dev/null; sh -c 'printf last; kill -9 $$'; exit $?", 'last', 137],
    ['echo out; echo err >&2; exit 4', 'out\nerr\n', 4],
  ] as const) {
    const spec = await start(script);
    t.equal((await exited(node, spec.id)).exitCode, exitCode);
    const told = logText(spec.logPath);
    t.strictSame(told.split('\n').sort(), said.split('\n').sort());
    await remove(spec);
  }
  const disk = `${node.directory}/full`;
  await runSteps([
    ['mkdir', disk, '755'],
    ['tmpfs', disk, 'size=4k'],
  ]);
  writeFileSync(`${disk}/ballast`, Buffer.alloc(4096));
  const spec = await start('echo lost; exit 5', { logPath: `${disk}/0.log` });
  t.equal((await exited(node, spec.id)).exitCode, 5);
  t.equal(text(spec.logPath), '');
  await remove(spec);
  await runSteps([['unmount', disk, '']]);
});

t.test('a full disk costs lines, which are counted, and nothing else', async (t) => {
  const disk = `${node.directory}/disk`;
  await runSteps([
    ['mkdir', disk, '755'],
    ['tmpfs', disk, 'size=64k'],
  ]);
  const print = (from: number, to: number) => `seq ${from} ${to}`;
  const spec = await start(
    `${print(1, 5000)}; touch /shared/printed
     while [ ! -e /shared/room ]; do sleep 0.01; done; echo after; exit 3`,
    { logPath: `${disk}/0.log` },
  );
  await until('the container to go on', () => existsSync(`${shared}/printed`));
  const before = text(spec.logPath);
  t.match(before, / F 1\n/);
  t.ok(before.endsWith('\n'), 'ends with a whole line');
  execFileSync('mount', ['-o', 'remount,size=1m', disk]);
  writeFileSync(`${shared}/room`, '');
  t.equal((await exited(node, spec.id)).exitCode, 3);
  const after = text(spec.logPath);
  const printed = after.match(/ stdout [FP] \d+$/gm)?.length ?? 0;
  const counted = [...after.matchAll(lost)].map((match) => Number(match[1]));
  const known = counted.reduce((sum, lines) => sum + lines, printed);
  t.ok(known >= 5000, 'every line is there or counted');
  t.ok(known < 5020, 'a line that was read in two parts is counted as two');
  t.match(after, /\n\S+ stdout F after\n$/);
  await remove(spec);
  await runSteps([['unmount', disk, '']]);
});

t.test(
  'while no agent is there, a log stays below its limit; the next one rotates it',
  async (t) => {
    const spec = await start(
      `while [ ! -e /shared/alone ]; do sleep 0.01; done
     seq 1 5000; touch /shared/said
     while [ ! -e /shared/end ]; do sleep 0.01; done; echo after`,
      { logLimits: { rotateBytes: 10_000, files: 2 } },
    );
    node.runtime.close();
    writeFileSync(`${shared}/alone`, '');
    await until('the container to go on', () => existsSync(`${shared}/said`));
    // What the container has said, its supervisor may be about to write.
    await until('the log to be full', () => statSync(spec.logPath).size > 80_000);
    t.ok(statSync(spec.logPath).size <= 100_000);
    const { directory, runDir, cgroupRoot } = node;
    node.runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot });
    await node.runtime.adopt();
    await until('rotation', () => existsSync(`${spec.logPath}.1`) && existsSync(spec.logPath));
    writeFileSync(`${shared}/end`, '');
    await exited(node, spec.id);
    t.match(text(`${spec.logPath}.1`) + text(spec.logPath), lost);
    t.match(text(spec.logPath), /^\S+ stdout F after\n$/m);
    await remove(spec);
  },
);

t.test('the log of an ended container is not opened anew', async (t) => {
  const spec = await start('true');
  await exited(node, spec.id);
  rmSync(spec.logPath);
  await node.runtime.reopenLog(spec.id);
  t.notOk(existsSync(spec.logPath));
  await remove(spec);
});

t.test('nothing is left', async (t) => {
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});
