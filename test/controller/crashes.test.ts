/** Whoever adds a controller shows that it lives through crashes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');

/** What runs nothing by itself, and the controller that another's scenario runs. */
const elsewhere: Readonly<Record<string, string>> = {
  runtime: 'what controllers are made of',
  workload: 'plans that several controllers share',
  'volume-protection': 'part of test/controller/volume/crash.test.ts',
};

const folders = readdirSync(join(root, 'controller'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const testsOf = (folder: string): string[] => {
  const path = join(root, 'test/controller', folder);
  const names = readdirSync(path).filter((name) => name.endsWith('.test.ts'));
  return names.map((name) => readFileSync(join(path, name), 'utf8'));
};

for (const folder of folders.filter((name) => !(name in elsewhere))) {
  t.test(`${folder} is crashed at every write`, async (t) =>
    t.ok(testsOf(folder).some((text) => /\b(crashEverywhere|survivesCrashes)\(/.test(text))),
  );
}

t.test('what is excepted is still there', async (t) =>
  t.strictSame(
    Object.keys(elsewhere).filter((name) => !folders.includes(name)),
    [],
  ),
);
