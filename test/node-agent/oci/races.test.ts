/** Races of one bundle's container against the making of another on the same files: what is checked is what is used. */

import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { buildRacer, swapsOf } from '../container/hostile/racer.ts';
import { until } from '../container/node.ts';
import { type Ended, Rig } from './bundle.ts';

needsRoot();
const rounds = Number(process.env['ROUNDS'] ?? 4);
const directory = scratch('oci-races')();
const rig = new Rig(directory);
const racer = buildRacer({ directory });
/** What no container is given. */
const victim = `${directory}/victim`;
mkdirSync(victim);
writeFileSync(`${victim}/file`, 'of the host');
const up = '../'.repeat(20);
/** Of the root file system that a container is made on: another has it as /shared. */
const shared = `${rig.rootfs}/vol`;

function untouched(t: Test): void {
  t.strictSame(readdirSync(victim), ['file'], 'nothing was made on the host');
  t.equal(readFileSync(`${victim}/file`, 'utf8'), 'of the host');
  t.equal(lstatSync(`${victim}/file`).isFile(), true);
}

/** A directory `a` with a file, and a link `b` to the host. */
function layOut(): void {
  rmSync(shared, { recursive: true, force: true });
  mkdirSync(`${shared}/a`, { recursive: true });
  writeFileSync(`${shared}/a/file`, 'of the container');
  symlinkSync(`/${up}${victim}`, `${shared}/b`);
}

const bind = (source: string, destination: string) => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind'],
});
const proc = { destination: '/proc', type: 'proc', source: 'proc' };

/** What a container on `shared` says at its end, having done as `args` say while `during` ran. */
async function whileRacing(args: readonly string[], during: () => Promise<void>): Promise<string> {
  layOut();
  const mounts = [proc, bind(shared, '/shared'), bind(racer, '/racer')];
  const [mode = '', ...paths] = args;
  const words = ['/racer', mode, '/shared/stop', ...paths];
  const { ended, said } = rig.start(['run', '-b', rig.bundle(words, { mounts }), 'racer']);
  await until('the racer to run', () => said().includes('ready'));
  try {
    await during();
  } finally {
    writeFileSync(`${shared}/stop`, '');
    await ended;
  }
  return said();
}

let count = 0;
const tmpfs = (destination: string, ...options: readonly string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
});
const swap = ['swap', '/shared/a', '/shared/b'];

/** What is asked for at the path that is exchanged, and what the container shows of it. */
const cases: readonly {
  readonly what: string;
  readonly change: Readonly<Record<string, unknown>>;
  readonly script: string;
  readonly seen: RegExp;
}[] = [
  {
    what: 'the target of a mount (CVE-2021-30465)',
    change: { mounts: [proc, tmpfs('/vol/a/deep')] },
    script: `awk '$5 ~ /deep$/ {print $5}' /proc/self/mountinfo`,
    seen: /^\/.*deep\n$/,
  },
  {
    what: 'a directory of devices (CVE-2026-47766)',
    change: { linux: { devices: [{ path: '/vol/a/pipe', type: 'p' }] } },
    script: 'find / -xdev -type p 2>/dev/null | wc -l',
    seen: /^\d+\n$/,
  },
  {
    what: 'what is masked and read-only (CVE-2025-31133)',
    change: {
      linux: { maskedPaths: ['/vol/a/file', '/proc/version'], readonlyPaths: ['/vol/a'] },
    },
    script: 'wc -c < /proc/version',
    seen: /^0\n$/,
  },
  {
    what: 'what is copied up into a tmpfs (CVE-2024-45310)',
    change: { mounts: [proc, tmpfs('/vol/a', 'tmpcopyup')] },
    script: 'cat /vol/a/file 2>/dev/null; true',
    seen: /^(of the container)?$/,
  },
  {
    what: 'a working directory that is made',
    change: { process: { cwd: '/vol/a/new' } },
    script: 'pwd',
    seen: /^\/.*new\n$/,
  },
];

for (const { what, change, script, seen } of cases) {
  t.test(what, async (t) => {
    const all: Ended[] = [];
    const said = await whileRacing(swap, async () => {
      for (let round = 0; round < rounds; round++) {
        const bundle = rig.bundle(['sh', '-c', script], change);
        all.push(await rig.run(['run', '-b', bundle, `raced${count++}`]));
      }
    });
    for (const { code, stdout, stderr } of all) {
      if (code === 0) t.match(stdout, seen);
      else t.match(stderr, /create container raced\d+: /, 'refused with a reason');
    }
    t.ok(swapsOf(said) > 50, said);
    untouched(t);
  });
}

t.test('a file that is copied up and becomes a pipe and a link is not waited for', async (t) => {
  const mounts = [proc, tmpfs('/vol/a', 'tmpcopyup')];
  const race = ['kinds', '/shared/a/file', `/${up}${victim}/file`];
  const said = await whileRacing(race, async () => {
    for (let round = 0; round < 2 * rounds; round++) {
      const bundle = rig.bundle(['sh', '-c', 'cat /vol/a/file & sleep 0.01; kill $!'], { mounts });
      const { stdout, stderr } = await rig.run(['run', '-b', bundle, `copied${count++}`]);
      t.notMatch(stdout, 'of the host');
      t.notMatch(stderr, /wait for the new process/);
    }
  });
  t.ok(swapsOf(said) > 20, said);
  untouched(t);
});

t.test('the working directory of an exec (CVE-2024-21626)', async (t) => {
  const mounts = [proc, bind(shared, '/vol')];
  const said = await whileRacing(swap, async () => {
    await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000'], { mounts }), 'host']);
    for (let round = 0; round < 2 * rounds; round++) {
      const words = ['exec', '--cwd', '/vol/a', 'host', 'sh', '-c', 'pwd; cat file; ls ..'];
      const { code, stdout, stderr } = await rig.run(words);
      if (code === 0) t.match(stdout, /^\//, 'it is inside');
      else t.match(stderr, /enter working directory \/vol\/a/);
      t.notMatch(stdout, /of the host|config\.json/);
    }
    await rig.ok(['delete', '-f', 'host']);
  });
  t.ok(swapsOf(said) > 50, said);
  untouched(t);
});

t.test('nothing is left', async (t) => {
  t.equal(await rig.ok(['list', '-q']), '');
  t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), directory);
});
