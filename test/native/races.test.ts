/** Trees that are exchanged for links while they are read and written: nothing outside is ever seen or touched. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { writeTree } from '#native/layers.ts';
import { extractInto } from '#native/unpack.ts';
import { pieces } from '../support/image-archives.ts';
import { needsRoot, scratch } from '../support/scratch.ts';
import { tar } from '../support/tar-builder.ts';

needsRoot();
const ROUNDS = 150;
const directory = scratch('races');

/** Exchanges `root/swap`, a directory, and a link to what is outside, as fast as it can. */
async function exchanging(root: string, outside: string): Promise<ChildProcess> {
  const program = `
    const fs = require('node:fs');
    process.chdir(${JSON.stringify(root)});
    fs.symlinkSync(${JSON.stringify(outside)}, 'link');
    process.stdout.write('ready');
    for (;;) {
      try { fs.renameSync('swap', 'aside'); fs.renameSync('link', 'swap'); } catch {}
      try { fs.renameSync('swap', 'link'); fs.renameSync('aside', 'swap'); } catch {}
    }`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

/** A root with a directory in it, and a secret beside the root. */
function place(): { readonly root: string; readonly outside: string } {
  const root = directory();
  const outside = join(dirname(root), 'outside');
  mkdirSync(join(root, 'swap/deep'), { recursive: true });
  mkdirSync(join(outside, 'deep'), { recursive: true });
  writeFileSync(join(root, 'swap/deep/file'), 'inside');
  writeFileSync(join(outside, 'deep/file'), 'SECRET');
  return { root, outside };
}

t.test(
  'a tree exchanged while it is read shows nothing from outside (CVE-2018-15664)',
  async (t) => {
    const { root, outside } = place();
    const racer = await exchanging(root, outside);
    try {
      let found = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const output = join(dirname(root), 'out.tar');
        const path = round % 2 === 0 ? '' : 'swap/deep';
        const follow = round % 3 === 0;
        await writeTree({ root, path, name: 'x', follow, output }).catch(() => undefined);
        const bytes = readFileSync(output);
        rmSync(output);
        if (bytes.includes('inside')) found++;
        if (bytes.includes('SECRET')) t.fail(`round ${round}: the secret is in the archive`);
      }
      t.ok(found > 0, `the file itself was found ${found} times`);
    } finally {
      racer.kill('SIGKILL');
    }
  },
);

t.test(
  'a tree exchanged while it is written into leads nowhere (CVE-2026-41568, CVE-2026-42306)',
  async (t) => {
    const { root, outside } = place();
    const archive = tar([
      { name: 'swap/deep/', type: '5', mode: 0o700 },
      { name: 'swap/deep/file', content: 'changed' },
      { name: 'swap/deep/new', content: 'new' },
    ]);
    const racer = await exchanging(root, outside);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const options = { root, path: '/', maxBytes: 1e6, maxEntries: 100 };
        await extractInto(options, pieces(archive, 512)).catch(() => undefined);
      }
    } finally {
      racer.kill('SIGKILL');
    }
    t.strictSame(readdirSync(outside), ['deep']);
    t.strictSame(readdirSync(join(outside, 'deep')), ['file']);
    t.equal(readFileSync(join(outside, 'deep/file'), 'utf8'), 'SECRET');
  },
);
