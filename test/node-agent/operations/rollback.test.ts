/** What a rollback brings, and that one that was killed is gone on with from any point. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { finishRollback, snapshotOf } from '#node-agent/operations/rollback.ts';
import { scratch } from '../../support/scratch.ts';

const layer = (name: string) =>
  ({
    chainId: `sha256:${name}`,
    diffId: `sha256:${name}`,
    digest: `sha256:${name}`,
    sizeBytes: 1,
  }) as const;
const image = (...names: string[]) => ({ layers: names.map(layer) });
const history = (...steps: string[]) => [
  { created_by: 'base' },
  { created_by: 'CMD', empty_layer: true },
  ...steps.map((step) => ({ created_by: step })),
];
const base = image('base');

t.test('a snapshot is what lies on the container’s own image', async (t) => {
  t.match(snapshotOf(base, image('base', 'x'), history('bay commit')), {
    layer: layer('x'),
    volumes: [],
  });
  t.strictSame(snapshotOf(base, image('base'), history()), { volumes: [] }, 'nothing was changed');
  const steps = [
    'bay commit',
    'bay commit: without the content of volumes',
    'bay commit: volume /data',
  ];
  t.match(snapshotOf(base, image('base', 'x', 'y', 'z'), history(...steps)), {
    layer: layer('x'),
    volumes: [{ target: '/data', layer: layer('z') }],
  });
});

t.test('what is no snapshot of the container is refused', async (t) => {
  const bad = [
    [image('other', 'x'), history('bay commit')],
    [image(), []],
    [image('base', 'x'), history('RUN make')],
    [image('base', 'x', 'y'), history('bay commit', 'bay commit')],
    [image('base', 'x'), []],
  ] as const;
  for (const [taken, steps] of bad) {
    t.throws(() => snapshotOf(base, taken, steps), { code: 409, message: /no snapshot of this/ });
  }
});

const directory = scratch('rollback');

/** As `rollBack` leaves it when it is killed after `done` of its steps. */
function leftAfter(done: number): string {
  const dir = directory();
  const put = (path: string, text: string) => {
    mkdirSync(join(dir, path), { recursive: true });
    writeFileSync(join(dir, path, 'is'), text);
  };
  for (const swap of ['layer', 'volumes/a']) {
    put(swap, 'before');
    put(`${swap}.new`, 'after');
  }
  const steps = [
    () => writeFileSync(join(dir, 'rollback.json'), '["layer","volumes/a"]'),
    () => renameSync(join(dir, 'layer'), join(dir, 'layer.old')),
    () => renameSync(join(dir, 'layer.new'), join(dir, 'layer')),
    () => renameSync(join(dir, 'volumes/a'), join(dir, 'volumes/a.old')),
    () => renameSync(join(dir, 'volumes/a.new'), join(dir, 'volumes/a')),
    () => rmSync(join(dir, 'layer.old'), { recursive: true }),
    () => rmSync(join(dir, 'volumes/a.old'), { recursive: true }),
    () => rmSync(join(dir, 'rollback.json')),
  ];
  for (const step of steps.slice(0, done)) step();
  return dir;
}

t.test('killed at any step, it is all before or all after', async (t) => {
  for (let done = 0; done <= 8; done += 1) {
    const dir = leftAfter(done);
    await finishRollback(dir);
    await finishRollback(dir);
    const expected = done === 0 ? 'before' : 'after';
    for (const swap of ['layer', 'volumes/a']) {
      t.equal(readFileSync(join(dir, swap, 'is'), 'utf8'), expected, `${swap} after step ${done}`);
    }
    t.strictSame(readdirSync(dir).sort(), ['layer', 'volumes']);
    t.strictSame(readdirSync(join(dir, 'volumes')), ['a']);
    t.notOk(existsSync(join(dir, 'rollback.json')));
  }
});
