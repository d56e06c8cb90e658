/** `bay diff`, `commit` and `cp` beside docker's own, on the same image and the same changes. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Output, run, TestCluster } from '../support/cluster.ts';
import { DockerDaemon, lacksDocker } from '../support/docker-daemon.ts';
import {
  changes,
  copies,
  fileChanges,
  prepareInside,
  prepareLocal,
} from './beside-docker-cases.ts';
import { treeOf } from './tree.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(400_000);

interface Given {
  readonly input?: string | Buffer;
  /** What `@` stands for, docker's first. */
  readonly places?: readonly string[];
}

/** The same words for both, docker's answer first. */
type Both = (args: readonly string[], given?: Given) => Promise<readonly [Output, Output]>;

async function started(t: Test, both: Both, ...args: readonly string[]): Promise<void> {
  const [docker, bay] = await both(['run', '-d', ...args, 'sleep', '3600']);
  t.equal(docker.code, 0, docker.stderr);
  t.equal(bay.code, 0, bay.stderr);
}

async function diffs(t: Test, both: Both): Promise<void> {
  const sorted = ({ stdout }: Output) => stdout.split('\n').sort();
  for (const [name, line] of Object.entries(fileChanges)) {
    await started(t, both, '--name', name, image);
    await both(['exec', name, 'sh', '-c', line]);
    for (const state of ['while it runs', 'at rest']) {
      const [docker, bay] = await both(['diff', name]);
      t.strictSame(sorted(bay), sorted(docker), `${name}: ${line} ${state}`);
      await both(['kill', name]);
    }
    await both(['rm', '-f', name]);
  }
}

const fields = [
  ...['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Volumes', 'WorkingDir', 'User', 'Labels'],
  ...['OnBuild', 'Healthcheck', 'StopSignal'],
];

/** What the two images say alike; nothing is as good as empty, and sets have no order. */
async function configs(both: Both, name: string): Promise<readonly unknown[]> {
  const told = await both(['image', 'inspect', '-f', '{{json .Config}}', name]);
  return told.map(({ stdout }) => {
    const config = JSON.parse(stdout) as Record<string, unknown>;
    return fields.map((field) => {
      const value = config[field];
      const isEmpty = value === '' || Object.keys(value ?? {}).length === 0;
      if (field === 'Env') return [field, [...(value as string[])].sort()];
      return [field, typeof value === 'string' ? value : isEmpty ? null : sortedKeys(value)];
    });
  });
}

const sortedKeys = (value: unknown): unknown =>
  Array.isArray(value) ? value : Object.fromEntries(Object.entries(value as object).sort());

async function commits(t: Test, both: Both): Promise<void> {
  await started(t, both, '--name', 'committed', image);
  for (const change of changes) {
    const flags = change.flatMap((one) => ['-c', one]);
    const [docker, bay] = await both(['commit', ...flags, 'committed', 'made:1']);
    t.equal(bay.code, docker.code, `${change}: ${docker.stderr} ${bay.stderr}`);
    if (docker.code !== 0) continue;
    const [wanted, found] = await configs(both, 'made:1');
    t.strictSame(found, wanted, `${change}`);
  }
  const own = [
    ...['-e', 'OWN=1', '-w', '/tmp', '-u', 'nobody', '-l', 'x=y', '--stop-signal', 'SIGQUIT'],
    ...['--health-cmd', 'true', '--health-interval', '9s', '-v', '/own', '--entrypoint', 'sleep'],
  ];
  const [docker, bay] = await both(['run', '-d', '--name', 'own', ...own, image, '3600']);
  t.strictSame([docker.code, bay.code], [0, 0], `${docker.stderr}${bay.stderr}`);
  await both(['commit', '-a', 'Me <a@b>', '-m', 'why', 'own', 'own:1']);
  const [wanted, found] = await configs(both, 'own:1');
  t.strictSame(found, wanted, 'settings of the container itself');
  const [told, same] = await both([
    'inspect',
    '-f',
    '{{.Author}} {{.Comment}} {{.RepoTags}}',
    'own:1',
  ]);
  t.equal(same.stdout, told.stdout);
  await both(['rm', '-f', 'own', 'committed']);
}

async function copied(t: Test, both: Both, folder: string): Promise<void> {
  await started(t, both, '--name', 'copied', image);
  const made = await both(['exec', 'copied', 'sh', '-c', prepareInside(copies.length)]);
  t.strictSame(
    made.map(({ code }) => code),
    [0, 0],
  );
  for (const [i, { args, input, isOut }] of copies.entries()) {
    const places = ['docker', 'bay'].map((name) => join(folder, `${i}-${name}`));
    for (const place of places) prepareLocal(place);
    const words = ['cp', ...args.map((one) => one.replace('#', String(i)))];
    const [docker, bay] = await both(words, { input: input ?? '', places });
    t.equal(bay.code, docker.code, `${args}: ${docker.stderr} ${bay.stderr}`);
    if (!isOut) continue;
    const [wanted, found] = places.map((place) => treeOf(place));
    t.strictSame(found, wanted, `${args}`);
  }
  const trees = await Promise.all(
    (await both(['cp', 'copied:/t', '-'])).map(async ({ stdout }, i) => {
      const place = join(folder, `inside-${i}`);
      mkdirSync(place);
      await run('tar', ['-x', '-C', place], { input: stdout });
      return treeOf(place);
    }),
  );
  t.ok((trees[0]?.length ?? 0) > copies.length);
  t.strictSame(trees[1], trees[0], 'what was copied in');
  await both(['rm', '-f', 'copied']);
}

t.test('beside docker', { skip: lacksDocker() ?? false }, async (t) => {
  const daemon = await DockerDaemon.start().catch((error: Error) => error);
  if (daemon instanceof Error) return t.pass('skipped', { skip: daemon.message });
  t.teardown(() => daemon.stop());
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const folder = join(cluster.folder, 'beside');
  mkdirSync(folder);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const saved = join(folder, 'image.tar');
  t.equal((await cluster.bay('save', '-o', saved, image)).code, 0);
  t.equal((await daemon.docker(['load', '-i', saved])).code, 0);
  const both: Both = async ([command = '', ...args], { input = '', places = [] } = {}) => {
    const alone = ['run', 'create'].includes(command) ? ['--network', 'none'] : [];
    const [ofDocker = [], ofBay = []] = [0, 1].map((i) =>
      args.map((one) => one.replace(/^@/, places[i] ?? '@')),
    );
    return Promise.all([
      daemon.docker([command, ...alone, ...ofDocker], input),
      cluster.bayInput(input, command, ...ofBay),
    ]);
  };
  await t.test('diff', (t) => diffs(t, both));
  await t.test('commit', (t) => commits(t, both));
  await t.test('cp', (t) => copied(t, both, folder));
});
