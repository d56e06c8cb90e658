/** What a tree takes on its disk, beside what `du` says. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { diskUse } from '#node-agent/eviction/disk-use.ts';
import { scratch } from '../../support/scratch.ts';

const directory = scratch('disk-use');
const du = (flag: string, dir: string) =>
  Number(execFileSync('du', ['-s', flag, dir], { encoding: 'utf8' }).split('\t')[0]);

t.test('blocks and inodes are those that du counts', async (t) => {
  const dir = directory();
  const deep = join(dir, 'a', 'b');
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'data'), Buffer.alloc(300_000, 1));
  linkSync(join(deep, 'data'), join(dir, 'again'));
  writeFileSync(join(dir, 'sparse'), '');
  truncateSync(join(dir, 'sparse'), 1024 ** 3);
  symlinkSync('/usr', join(dir, 'out'));
  for (let i = 0; i < 150; i += 1) writeFileSync(join(dir, 'a', `${i}`), 'x');
  const found = await diskUse(dir);
  t.strictSame(found, { bytes: du('-k', dir) * 1024, inodes: du('--inodes', dir) });
  t.ok(found.bytes >= 300_000 && found.bytes < 10_000_000, String(found.bytes));
});

t.test('what is not there takes nothing', async (t) => {
  t.strictSame(await diskUse(join(directory(), 'none')), { bytes: 0, inodes: 0 });
});
