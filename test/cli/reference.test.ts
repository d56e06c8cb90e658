/** The pages of the reference that are made from code are as the code makes them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import t from 'tap';
import { commands } from '#cli/commands.ts';
import { pages } from '../../docs/generate.ts';

const home = resolve(import.meta.dirname, '../..');

t.test('what is committed is what is made: node docs/generate.ts writes it', async (t) => {
  for (const [file, make] of Object.entries(pages)) {
    t.equal(readFileSync(resolve(home, file), 'utf8'), make(), file);
  }
});

/** Files of the documentation, from the top of the project. */
const documents = [
  'README.md',
  ...readdirSync(resolve(home, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

t.test('links between pages lead somewhere', async (t) => {
  const dead = documents.flatMap((file) => {
    const text = readFileSync(resolve(home, file), 'utf8');
    return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(resolve(home, dirname(file), target)))
      .map((target) => `${file}: ${target}`);
  });
  t.strictSame(dead, []);
});

t.test('what the guides say of bay are commands that it has', async (t) => {
  const unknown = documents.flatMap((file) => {
    const text = readFileSync(resolve(home, file), 'utf8');
    return [...text.matchAll(/(?:^ {4}|&& |\.\/|`)bay ([a-z][a-z-]*)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => !Object.hasOwn(commands, name) && !['help', 'completion'].includes(name))
      .map((name) => `${file}: bay ${name}`);
  });
  t.strictSame(unknown, []);
});
