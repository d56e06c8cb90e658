/** Hooks of a bundle: when, where and with what they run, and what their failure means. */

import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const directory = scratch('oci-hooks')();
const rig = new Rig(directory);
mkdirSync(`${rig.rootfs}/notes`);
/** The same file from the host, and from the container before and after its root is changed. */
const notes = `${directory}/layer/notes/all`;
const read = () => (existsSync(notes) ? readFileSync(notes, 'utf8') : '');

const names = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
];

/** Appends a line: its name, the state's status, its mount namespace and its environment. */
function hook(name: string, more: object = {}) {
  const inside = name === 'startContainer';
  const file = inside ? '/notes/all' : notes;
  const sh = inside ? '/bin/sh' : '/bin/sh';
  const script = `state=$(cat); echo "${name} $(echo "$state" | tr -d '{}"') $(readlink /proc/self/ns/mnt) $(env | grep -v -e PWD= -e SHLVL= -e _= | tr '\\n' ' ')" >> ${file}`;
  return { path: sh, args: ['hook', '-c', script], env: ['PATH=/bin:/usr/bin', 'A=b'], ...more };
}

const hooks = (change: Readonly<Record<string, object[]>> = {}) => ({
  hooks: { ...Object.fromEntries(names.map((name) => [name, [hook(name)]])), ...change },
});

t.test(
  'each runs in its turn, in its place, with the state and nothing of our environment',
  async (t) => {
    const change = { ...hooks(), annotations: { key: 'value' } };
    const bundle = rig.bundle(['readlink', '/proc/self/ns/mnt'], change);
    const env = { SECRET: 'of the caller' };
    await rig.ok(['create', '-b', bundle, 'h'], { env });
    t.strictSame(
      read()
        .split('\n')
        .map((line) => line.split(' ')[0]),
      ['prestart', 'createRuntime', 'createContainer', ''],
    );
    const { pid } = await rig.state('h');
    const inside = readlinkSync(`/proc/${pid}/ns/mnt`);
    await rig.ok(['start', 'h'], { env });
    await rig.ok(['delete', '--force', 'h'], { env });
    const lines = read().trim().split('\n');
    t.strictSame(
      lines.map((line) => line.split(' ')[0]),
      names,
    );
    const here = readlinkSync('/proc/self/ns/mnt');
    const statuses = ['creating', 'creating', 'creating', 'created', 'running', 'stopped'];
    lines.forEach((line, index) => {
      const name = names[index] ?? '';
      t.match(line, `status:${statuses[index]}`, name);
      t.match(line, `id:h`);
      t.match(line, `bundle:${bundle}`);
      t.match(line, 'annotations:key:value');
      t.equal(line.includes(`pid:${pid}`), name !== 'poststop');
      t.match(line, ['createContainer', 'startContainer'].includes(name) ? inside : here);
      t.match(line, 'A=b');
      t.notMatch(line, 'SECRET');
    });
  },
);

t.test('one that fails before the program ends it all, and poststop still runs', async (t) => {
  for (const name of names.slice(0, 4)) {
    const before = read().length;
    const failing = { path: '/bin/sh', args: ['sh', '-c', 'echo why not >&2; exit 3'] };
    const bundle = rig.bundle(['true'], hooks({ [name]: [failing, hook(name)] }));
    const { code, stderr } = await rig.run(['run', '-b', bundle, 'f']);
    t.equal(code, 1, name);
    t.match(stderr, new RegExp(`hooks.${name}\\[0\\] /bin/sh: ended with exit code 3: why not`));
    const ran = read()
      .slice(before)
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    t.strictSame(ran, [...names.slice(0, names.indexOf(name)), 'poststop']);
    t.equal(await rig.ok(['list', '-q']), '');
  }
});

t.test('one that is not there, or not done in time', async (t) => {
  const missing = rig.bundle(['true'], { hooks: { createRuntime: [{ path: '/nowhere/hook' }] } });
  t.match(
    (await rig.run(['run', '-b', missing, 'm'])).stderr,
    /hooks.createRuntime\[0\] \/nowhere\/hook: .*ENOENT/,
  );
  for (const name of ['createRuntime', 'createContainer', 'startContainer']) {
    const slow = {
      path: '/bin/sh',
      args: ['sh', '-c', 'sleep 1000'],
      timeout: 1,
      env: ['PATH=/bin'],
    };
    const { stderr } = await rig.run([
      'run',
      '-b',
      rig.bundle(['true'], { hooks: { [name]: [slow] } }),
      's',
    ]);
    t.match(stderr, new RegExp(`hooks.${name}\\[0\\] /bin/sh: not done after its timeout of 1 s`));
  }
  t.equal(await rig.ok(['list', '-q']), '');
});

t.test('poststart: a warning until 1.2, an error from 1.3 on', async (t) => {
  const failing = { hooks: { poststart: [{ path: '/bin/false' }] } };
  const old = await rig.run(['run', '-b', rig.bundle(['true'], failing), 'old']);
  t.equal(old.code, 0);
  t.match(old.stderr, /warning.*hooks.poststart\[0\] \/bin\/false/);
  const newer = { ...failing, ociVersion: '1.3.0' };
  const { code, stderr } = await rig.run([
    'run',
    '-b',
    rig.bundle(['sleep', '1000'], newer),
    'new',
  ]);
  t.equal(code, 1);
  t.match(stderr, /hooks.poststart\[0\]/);
  t.equal(await rig.ok(['list', '-q']), '');
});
