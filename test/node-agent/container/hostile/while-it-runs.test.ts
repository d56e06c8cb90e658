/** Races of a container against what is done to it while it runs: exec, its terminal, copies in and out, its accounts. */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { writeTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import { pieces } from '../../../support/image-archives.ts';
import { tar } from '../../../support/tar-builder.ts';
import {
  containerSpec,
  exited,
  logText,
  sandboxSpec,
  startNode,
  stopNode,
  textOf,
  traces,
  until,
} from '../node.ts';
import { buildRacer, swapsOf, whileRacing } from './racer.ts';

const rounds = Number(process.env['ROUNDS'] ?? 40);
const node = await startNode('while-it-runs');
t.teardown(() => stopNode(node));
const program = buildRacer(node);
/** A directory of the host that no container is given. */
const victim = `${node.directory}/victim`;
mkdirSync(victim);
writeFileSync(`${victim}/file`, 'of the host');
const up = '../'.repeat(20);

function untouched(t: Test): void {
  t.strictSame(readdirSync(victim), ['file'], 'nothing was made on the host');
  t.equal(readFileSync(`${victim}/file`, 'utf8'), 'of the host');
}

let count = 0;
/** A directory `a` with a file, and a link `b`, for a container to exchange. */
function place(target: string): string {
  const path = `${node.directory}/shared-${count++}`;
  mkdirSync(`${path}/a`, { recursive: true });
  writeFileSync(`${path}/a/inside`, 'of the container');
  symlinkSync(target, `${path}/b`);
  return path;
}

/** What an exec printed; undefined: it was refused. */
async function exec(id: string, args: readonly string[], more: { cwd?: string; tty?: boolean }) {
  try {
    const session = await node.runtime.exec(id, { args, tty: false, stdin: false, ...more });
    const text = await textOf(session.stdout);
    await session.exitCode;
    return text;
  } catch (error) {
    if ((error as Error).name === 'StartError') return;
    throw error;
  }
}

/** Its root, as `bay cp` and `bay exec -u NAME` open it. */
async function inRootOf(id: string, work: (root: number) => Promise<void>): Promise<void> {
  const state = node.runtime.get(id)?.state;
  if (state?.phase !== 'running') throw new Error('the racer has ended');
  const root = openSync(`/proc/${state.pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  await work(root).finally(() => closeSync(root));
}

for (const target of ['/proc/self/fd/5', '/proc/1/cwd', `/${up}${victim}`]) {
  t.test(`exec’s working directory becomes ${target} (CVE-2024-21626)`, async (t) => {
    const shared = place(target);
    const race = { program, args: ['swap', '/shared/a', '/shared/b'], shared, privileged: true };
    const said = await whileRacing(node, race, async (_, id) => {
      const seen: (string | undefined)[] = [];
      for (let round = 0; round < rounds; round++) {
        seen.push(await exec(id, ['sh', '-c', 'pwd; ls -a . ..'], { cwd: '/shared/a' }));
      }
      const started = seen.filter((text) => text !== undefined);
      t.ok(started.length > 0, `${started.length} were started`);
      for (const text of started) {
        t.match(text, /^\//, 'it is inside');
        t.notMatch(text, /^file$|victim|container\.json|supervisor/m);
      }
    });
    t.ok(swapsOf(said) > 50, said);
    untouched(t);
  });
}

t.test('exec’s terminal, in a /dev/pts that comes and goes (CVE-2025-52565)', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const script = `mkdir /tmp/fake; echo >/tmp/fake/ptmx; echo up
    n=0; until [ -e /stop ]; do mount -o bind /tmp/fake /dev/pts; umount -l /dev/pts; n=$((n+1)); done; echo swaps $n`;
  const args = ['sh', '-c', script];
  const spec = containerSpec(node, sandbox.id, { args, privileged: true });
  await node.runtime.start(spec);
  await until('it to be up', () => logText(spec.logPath).includes('up'));
  const seen: (string | undefined)[] = [];
  await until('some to have a terminal, and some to be refused', async () => {
    seen.push(await exec(spec.id, ['stat', '-L', '-c', '%t', '/proc/self/fd/0'], { tty: true }));
    return seen.includes(undefined) && seen.filter((text) => text !== undefined).length > rounds;
  });
  // Major 136: of a devpts.
  for (const text of seen.filter((one) => one !== undefined)) t.match(text, /^88\r?\n$/);
  await exec(spec.id, ['touch', '/stop'], {});
  await exited(node, spec.id);
  t.match(logText(spec.logPath), /^swaps \d{2}/m);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  await node.runtime.removeLayer(spec.layerDir);
});

t.test('what is copied out of it and into it (CVE-2018-15664, CVE-2026-41568)', async (t) => {
  const shared = place(`/${up}${victim}`);
  mkdirSync(`${shared}/a/deep`);
  const archive = tar([
    { name: 'a/deep/', type: '5', mode: 0o700 },
    { name: 'a/deep/new', content: 'new' },
    { name: 'a/file', content: 'changed' },
  ]);
  const race = { program, args: ['swap', '/shared/a', '/shared/b'], shared };
  let found = 0;
  const said = await whileRacing(node, race, (_, id) =>
    inRootOf(id, async (root) => {
      for (let round = 0; round < rounds; round++) {
        const output = `${node.directory}/out.tar`;
        const path = round % 2 === 0 ? '/shared/a' : '/shared';
        const options = { root, path, name: 'x', follow: round % 3 === 0, crossMounts: true };
        await writeTree({ ...options, output }).catch(() => undefined);
        const bytes = readFileSync(output);
        rmSync(output);
        if (bytes.includes('of the container')) found++;
        t.notOk(bytes.includes('of the host'), 'nothing of the host');
        const into = { root, path: '/shared', maxBytes: 1e6, maxEntries: 100 };
        await extractInto(into, pieces(archive, 512)).catch(() => undefined);
      }
    }),
  );
  t.ok(found > 0, `its own was found ${found} times`);
  t.ok(swapsOf(said) > 50, said);
  untouched(t);
});

t.test('a file that becomes a pipe and a link is never waited for', async (t) => {
  const shared = place(victim);
  writeFileSync(`${shared}/passwd`, 'root:x:0:0:::\n');
  const args = ['kinds', '/shared/passwd', `/${up}${victim}/file`];
  const said = await whileRacing(node, { program, args, shared }, (_, id) =>
    inRootOf(id, async (root) => {
      for (let round = 0; round < 3 * rounds; round++) {
        const output = `${node.directory}/passwd.tar`;
        const options = { root, path: '/shared/passwd', name: 'x', follow: true };
        await writeTree({ ...options, output }).catch(() => undefined);
        t.notOk(readFileSync(output).includes('of the host'), 'nothing of the host');
        rmSync(output);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }),
  );
  t.ok(swapsOf(said) > 10, said);
  untouched(t);
});

t.test('nothing is left', async (t) => t.strictSame(traces(node), []));
