/** Roots laid out to reach the host: links in the way of mounts, devices, masks and working directories. */

import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const directory = scratch('oci-hostile')();
const rig = new Rig(directory);
/** What a container must never touch. */
const victim = `${directory}/victim`;
mkdirSync(victim);
writeFileSync(`${victim}/file`, 'of the host');
const up = '../'.repeat(20);
let count = 0;

const run = (args: readonly string[], change: object = {}) =>
  rig.run(['run', '-b', rig.bundle(args, change as never), `hostile${count++}`]);

/** Replaces a directory of the root by a link for as long as `look` takes. */
async function linked<T>(name: string, target: string, look: () => Promise<T>): Promise<T> {
  const path = `${rig.rootfs}/${name}`;
  renameSync(path, `${path}.kept`);
  symlinkSync(target, path);
  try {
    return await look();
  } finally {
    rmSync(path);
    renameSync(`${path}.kept`, path);
  }
}

function untouched(t: Test): void {
  t.strictSame(readdirSync(victim), ['file'], 'nothing was made on the host');
  t.equal(readFileSync(`${victim}/file`, 'utf8'), 'of the host');
}

t.test('/dev, /proc and /sys as links (CVE-2019-19921, CVE-2026-41579)', async (t) => {
  for (const name of ['dev', 'proc', 'sys']) {
    for (const target of [victim, `${up}${victim}`, '/etc']) {
      const { code, stderr } = await linked(name, target, () => run(['true']));
      t.not(code, 0, `${name} -> ${target}`);
      t.match(stderr, new RegExp(`/${name}`));
    }
  }
  untouched(t);
});

t.test('mount points and devices behind links stay below the root', async (t) => {
  const links = { away: `${up}${victim}`, host: victim };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, `${rig.rootfs}/${name}`);
  for (const name of Object.keys(links)) {
    const mount = { destination: `/${name}/mnt`, type: 'tmpfs', source: 'tmpfs' };
    const proc = { destination: '/proc', type: 'proc', source: 'proc' };
    await run(['true'], { mounts: [proc, mount] });
    await run(['true'], { linux: { devices: [{ path: `/${name}/pipe`, type: 'p' }] } });
    await run(['true'], { linux: { maskedPaths: [`/${name}/file`], readonlyPaths: [`/${name}`] } });
    await run(['true'], { process: { cwd: `/${name}/cwd` } });
  }
  for (const name of Object.keys(links)) t.ok(lstatSync(`${rig.rootfs}/${name}`).isSymbolicLink());
  untouched(t);
});

t.test('working directories that end outside (CVE-2024-21626)', async (t) => {
  for (const fd of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
    const link = `${rig.rootfs}/cwd${fd}`;
    symlinkSync(`/proc/self/fd/${fd}`, link);
    const { code, stdout } = await run(['ls', '.'], { process: { cwd: `/cwd${fd}` } });
    t.ok(code !== 0 || stdout.includes('busybox') || stdout === '', `fd ${fd}: ${stdout}`);
    t.notMatch(stdout, /config\.json|state\.json|gate/);
  }
  untouched(t);
});

t.test('a program that is the runtime itself (CVE-2019-5736)', async (t) => {
  const supervisor = new URL('../../../native/build/supervisor', import.meta.url).pathname;
  const digest = () => createHash('sha256').update(readFileSync(supervisor)).digest('hex');
  const before = digest();
  await run(['/proc/self/exe']);
  await rig.ok(['run', '-d', '-b', rig.bundle(['sleep', '1000']), 'self']);
  const overwrite = 'for p in /proc/[0-9]*; do echo x 2>/dev/null > $p/exe; done; true';
  await rig.run(['exec', 'self', 'sh', '-c', overwrite]);
  await rig.run(['exec', 'self', '/proc/self/exe']);
  t.equal(await rig.ok(['exec', 'self', 'echo', 'well']), 'well\n');
  await rig.ok(['delete', '-f', 'self']);
  t.equal(digest(), before);
  untouched(t);
});

t.test('masks while the image changes beneath (CVE-2025-31133)', async (t) => {
  const path = `${rig.rootfs}/secret`;
  writeFileSync(path, 'masked');
  let going = true;
  let swaps = 0;
  const swapping = (async () => {
    for (; going; swaps++) {
      rmSync(path, { force: true });
      if (swaps % 2 === 0) symlinkSync(`${victim}/file`, path);
      else writeFileSync(path, 'masked');
      await new Promise(setImmediate);
    }
  })();
  for (let round = 0; round < 10; round++) {
    const { stdout } = await run(['cat', '/proc/version'], {
      linux: { maskedPaths: ['/secret', '/proc/version'] },
    });
    t.equal(stdout, '', 'what is masked shows nothing, whatever lies beside it');
  }
  going = false;
  await swapping;
  t.ok(swaps > 10, `${swaps} swaps`);
  untouched(t);
});

t.test("a huge /etc/group is nobody's business", async (t) => {
  writeFileSync(`${rig.rootfs}/etc/group`, `x:x:1:${'user,'.repeat(2_000_000)}`);
  const { code, stdout } = await run(['id', '-G'], { process: { user: { uid: 1, gid: 2 } } });
  rmSync(`${rig.rootfs}/etc/group`);
  t.equal(code, 0);
  t.equal(stdout, '2\n');
  untouched(t);
});
