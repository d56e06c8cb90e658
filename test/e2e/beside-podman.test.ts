/** `bay diff`, `commit` and `cp` beside podman's, on the same image and the same changes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Output, run, TestCluster } from '../support/cluster.ts';
import { fileChanges, prepareInside, prepareLocal } from './beside-docker-cases.ts';
import { treeOf } from './tree.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(300_000);
const lacks = spawnSync('sh', ['-c', 'command -v podman']).status !== 0 && 'needs podman';

interface Engines {
  readonly podman: (...args: readonly string[]) => Promise<Output>;
  readonly bay: (...args: string[]) => Promise<Output>;
  readonly folder: string;
}

/** A container of each whose files were changed by the same line; podman's is not run: its files are mounted. */
async function changed(t: Test, { podman, bay }: Engines, name: string, line: string) {
  t.equal((await podman('create', '--name', name, image, 'sleep', '3600')).code, 0);
  const root = (await podman('mount', name)).stdout.trim();
  const there = await run('chroot', [root, '/bin/sh', '-c', line]);
  await podman('umount', name);
  await bay('run', '-d', '--name', name, image, 'sleep', '3600');
  const here = await bay('exec', name, 'sh', '-c', line);
  t.equal(here.code, there.code, `${name}: ${here.stderr} ${there.stderr}`);
}

async function removed({ podman, bay }: Engines, name: string): Promise<void> {
  await Promise.all([podman('rm', '-f', name), bay('rm', '-f', name)]);
}

/** What is mounted in a container that runs is not there in one that does not. */
const alike = Object.entries(fileChanges).filter(([name]) => name !== 'mounted');

async function diffs(t: Test, engines: Engines): Promise<void> {
  const sorted = ({ stdout }: Output) => stdout.trim().split('\n').sort();
  for (const [name, line] of alike) {
    await changed(t, engines, name, line);
    const [theirs, ours] = [await engines.podman('diff', name), await engines.bay('diff', name)];
    // As docker's, ours makes that link when it starts one.
    const own = sorted(ours).filter((one) => one !== 'D /etc/mtab');
    t.strictSame(own, sorted(theirs), `${name}: ${line}`);
    await removed(engines, name);
  }
}

const instructions = [
  ['CMD ["echo","hi"]', 'ENTRYPOINT ["/bin/sh"]'],
  ['ENV A=1', 'ENV B=2', 'LABEL team=x'],
  ['EXPOSE 80', 'EXPOSE 53/udp', 'USER 1000:1000', 'WORKDIR /srv', 'VOLUME /data'],
];
const fields = ['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Volumes', 'WorkingDir', 'User'];
const told = [...fields, 'Labels'];

/** podman says of itself in each image which version it is, and that a terminal is there. */
const ofPodman = ['TERM=xterm', 'container=podman'];

/** Nothing is as good as empty, and sets have no order. */
function configOf(text: string): unknown[] {
  const config = JSON.parse(text);
  delete config.Labels?.['io.buildah.version'];
  const sorted = (value: unknown) =>
    Array.isArray(value) || typeof value === 'string'
      ? value
      : Object.fromEntries(Object.entries(value ?? {}).sort());
  return told.map((field) => {
    const value = config[field];
    const isEmpty = value === '' || Object.keys(value ?? {}).length === 0;
    if (field === 'Env')
      return [field, value.filter((one: string) => !ofPodman.includes(one)).sort()];
    return [field, isEmpty ? null : sorted(value)];
  });
}

async function commits(t: Test, engines: Engines): Promise<void> {
  await changed(t, engines, 'committed', 'echo x >/new');
  for (const some of instructions) {
    const flags = some.flatMap((one) => ['-c', one]);
    const configs = [];
    for (const engine of [engines.podman, engines.bay]) {
      const { code, stderr } = await engine('commit', ...flags, 'committed', 'made:1');
      t.equal(code, 0, `${some}: ${stderr}`);
      const { stdout } = await engine('image', 'inspect', '-f', '{{json .Config}}', 'made:1');
      configs.push(configOf(stdout));
    }
    t.strictSame(configs[1], configs[0], `${some}`);
  }
  await removed(engines, 'committed');
}

const out = ['/s/file', '/s/dir', '/s/dir/.'].flatMap((source) =>
  ['new', 'd', 'd/'].map((target) => [source, target] as const),
);
const into = ['file', 'dir', 'dir/.'].flatMap((source) =>
  ['new', 'd', 'd/', 'f'].map((target) => [source, target] as const),
);

async function copied(t: Test, engines: Engines): Promise<void> {
  const { podman, bay, folder } = engines;
  await changed(t, engines, 'copied', prepareInside(into.length));
  const both = [podman, bay];
  for (const [i, [source, target]] of out.entries()) {
    const places = ['podman', 'bay'].map((name) => join(folder, `out-${i}-${name}`));
    const codes = [];
    for (const [n, place] of places.entries()) {
      prepareLocal(place);
      codes.push((await both[n]?.('cp', `copied:${source}`, join(place, target)))?.code);
    }
    t.equal(codes[1], codes[0], `${source} ${target}`);
    t.strictSame(treeOf(places[1] ?? ''), treeOf(places[0] ?? ''), `${source} ${target}`);
  }
  const local = join(folder, 'local');
  prepareLocal(local);
  // podman 4.3 loses a hard link's other name when the directory gets another one.
  rmSync(join(local, 'dir/hard'));
  for (const [i, [source, target]] of into.entries()) {
    const words = ['cp', `${local}/${source}`, `copied:/t/${i}/${target}`];
    const [theirs, ours] = [await podman(...words), await bay(...words)];
    t.equal(ours.code === 0, theirs.code === 0, `${words}: ${theirs.stderr} ${ours.stderr}`);
  }
  const trees = [];
  for (const [n, engine] of both.entries()) {
    const place = join(folder, `inside-${n}`);
    mkdirSync(place);
    t.equal((await engine('cp', 'copied:/t', place)).code, 0);
    trees.push(treeOf(place));
  }
  t.strictSame(trees[1], trees[0], 'what was copied in');
  await removed(engines, 'copied');
}

t.test('beside podman', { skip: lacks }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const folder = mkdtempSync('/tmp/bay-podman-');
  const flags = ['--root', `${folder}/root`, '--runroot', `${folder}/run`, '--storage-driver=vfs'];
  const podman = (...args: readonly string[]) => run('podman', [...flags, ...args]);
  t.teardown(async () => {
    await podman('system', 'reset', '--force');
    rmSync(folder, { recursive: true, force: true });
  });
  const saved = join(folder, 'image.tar');
  t.equal((await cluster.bay('save', '-o', saved, image)).code, 0);
  const { code, stderr } = await podman('load', '-i', saved);
  t.equal(code, 0, stderr);
  const engines = { podman, bay: (...args: string[]) => cluster.bay(...args), folder };
  await t.test('diff', (t) => diffs(t, engines));
  await t.test('commit', (t) => commits(t, engines));
  await t.test('cp', (t) => copied(t, engines));
});
