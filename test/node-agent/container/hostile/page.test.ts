/** docs/reference/security.md says which test stands against which attack: those tests are there. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';

const home = resolve(import.meta.dirname, '../../../..');
const page = readFileSync(`${home}/docs/reference/security.md`, 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.includes('| test |'));

t.test('every row of the page names tests that exist', async (t) => {
  t.ok(rows.length > 20, `${rows.length} rows`);
  for (const row of rows) {
    const [, attack = '', , tests = ''] = row.split('|');
    const files = [...tests.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file = '']) => file);
    t.ok(files.length > 0, attack);
    for (const file of files) {
      const folders = ['', 'test/', 'test/node-agent/', 'test/api/'];
      const places = folders.map((folder) => `${home}/${folder}${file}`);
      t.ok(places.some(existsSync), `${attack}: ${file}`);
    }
  }
});

t.test('every attack that a test of a container names is on the page', async (t) => {
  const here = import.meta.dirname;
  const named = [
    '../hostile.test.ts',
    'races.test.ts',
    'fields.test.ts',
    'while-it-runs.test.ts',
  ].flatMap((file) => readFileSync(`${here}/${file}`, 'utf8').match(/CVE-\d+-\d+/g) ?? []);
  t.ok(named.length > 10);
  for (const attack of new Set(named)) t.ok(page.includes(attack), attack);
});
