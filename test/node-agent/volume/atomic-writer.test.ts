import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Payload, writePayload } from '#node-agent/volume/atomic-writer.ts';

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(
    Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]),
  );

function volume(t: Tap): string {
  const dir = mkdtempSync(join(tmpdir(), 'pods-volume-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'v');
}
interface Tap {
  teardown(run: () => void): void;
}

for (const inMemory of [false, true]) {
  const where = inMemory ? 'in memory' : 'on disk';
  t.test(`${where}: files are links into a directory that is swapped as a whole`, async (t) => {
    const dir = volume(t);
    await writePayload(dir, payload({ 'a.conf': '1', 'sub/b.conf': '2' }), { inMemory });
    const first = readlinkSync(join(dir, '..data'));
    t.strictSame(
      readdirSync(dir).filter((name) => !name.startsWith('..')),
      ['a.conf', 'sub'],
    );
    t.equal(readlinkSync(join(dir, 'a.conf')), '..data/a.conf');
    t.equal(readFileSync(join(dir, 'sub/b.conf'), 'utf8'), '2');
    await writePayload(dir, payload({ 'a.conf': 'new' }), { inMemory });
    t.not(readlinkSync(join(dir, '..data')), first);
    t.equal(readFileSync(join(dir, 'a.conf'), 'utf8'), 'new');
    t.strictSame(
      readdirSync(dir).filter((name) => name !== '..data' && !name.startsWith('..2')),
      ['a.conf'],
      'what is gone from the payload is gone from the volume',
    );
    t.equal(readdirSync(dir).length, 3, 'the old version is removed');
  });

  t.test(
    `${where}: writing the same again touches nothing; another mode is another payload`,
    async (t) => {
      const dir = volume(t);
      await writePayload(dir, payload({ a: '1' }), { inMemory });
      const first = readlinkSync(join(dir, '..data'));
      await writePayload(dir, payload({ a: '1' }), { inMemory });
      t.equal(readlinkSync(join(dir, '..data')), first);
      await writePayload(dir, payload({ a: '1' }, 0o400), { inMemory });
      t.equal(statSync(join(dir, 'a')).mode & 0o777, 0o400);
    },
  );

  t.test(`${where}: an empty payload is an empty volume`, async (t) => {
    const dir = volume(t);
    await writePayload(dir, payload({}), { inMemory });
    t.strictSame(readdirSync(join(dir, '..data')), []);
  });

  t.test(`${where}: what a crash left between two calls is no hindrance`, async (t) => {
    const dir = volume(t);
    await writePayload(dir, payload({ a: '1' }), { inMemory });
    symlinkSync('..gone', join(dir, '..data_tmp'));
    await writePayload(dir, payload({ a: '2' }), { inMemory });
    t.equal(readFileSync(join(dir, 'a'), 'utf8'), '2');
  });
}
