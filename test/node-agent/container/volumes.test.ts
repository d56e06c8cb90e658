/** What a container sees of volumes, and what it cannot reach through them. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { run, startNode, stopNode, traces } from './node.ts';

const node = await startNode('volumes');
t.teardown(() => stopNode(node));
const root = `${node.directory}/volume`;
mkdirSync(`${root}/inside/deep`, { recursive: true });
writeFileSync(`${root}/inside/word`, 'inside');
writeFileSync(`${node.directory}/secret`, 'secret');

const part = (source: string) =>
  [{ type: 'bind', root, source, target: '/volume', readonly: false }] as const;

t.test('a path below the root of a volume is mounted, and made if missing', async (t) => {
  t.equal((await run(node, 'cat /volume/word', { mounts: part('inside') })).text, 'inside');
  t.equal((await run(node, 'cat /volume', { mounts: part('inside/word') })).text, 'inside');
  await run(node, 'echo new > /volume/file', { mounts: part('made/for/it') });
  t.equal(readFileSync(`${root}/made/for/it/file`, 'utf8'), 'new\n');
});

t.test('links lead nowhere outside of the root', async (t) => {
  symlinkSync(node.directory, `${root}/absolute`);
  symlinkSync('../..', `${root}/inside/up`);
  symlinkSync('/proc/self/root', `${root}/magic`);
  for (const source of ['absolute', 'inside/up/..', '../../', 'magic']) {
    const { text } = await run(node, 'cat /volume/secret || ls /volume', { mounts: part(source) });
    t.notMatch(text, /^secret/, source);
    t.notOk(text.includes('etc'), source);
  }
  t.notOk(existsSync(`${node.directory}/made`));
});

t.test('a link that changes during starts never shows the outside', async (t) => {
  let over = false;
  const point = (target: string) => {
    symlinkSync(target, `${root}/next`);
    renameSync(`${root}/next`, `${root}/victim`);
    return new Promise(setImmediate);
  };
  const swap = async () => {
    while (!over) for (const target of ['inside', node.directory, '../..']) await point(target);
  };
  const swapping = swap();
  for (let round = 0; round < 20; round++) {
    const started = run(node, 'cat /volume/secret', { mounts: part('victim') });
    const text = await started.then(
      (result) => result.text,
      () => 'refused',
    );
    t.notMatch(text, /^secret/);
  }
  over = true;
  await swapping;
});

t.test('nosuid, nodev and noexec hold on binds and tmpfs', async (t) => {
  copyFileSync('/bin/busybox', `${root}/true`);
  chmodSync(`${root}/true`, 0o755);
  const mount = { type: 'bind', source: root, target: '/volume', readonly: false } as const;
  const script = '/volume/true 2>/dev/null; echo $?; grep " /volume " /proc/mounts';
  const free = await run(node, script, { mounts: [mount] });
  t.match(free.text, /^0\n/);
  const options = ['nosuid', 'nodev', 'noexec'] as const;
  const bound = await run(node, script, { mounts: [{ ...mount, options }] });
  t.match(bound.text, /^126\n.* rw,nosuid,nodev,noexec,/m);
  const tmpfs = { type: 'tmpfs', target: '/volume', readonly: false, options } as const;
  const copied = await run(node, `cp /bin/busybox /volume/true; ${script}`, { mounts: [tmpfs] });
  t.match(copied.text, /^126\n.* rw,nosuid,nodev,noexec,/m);
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
