/** The table's elements: whatever the kernel holds, from any moment on, the next agent makes it what is wanted. Needs root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { listElements } from '#native/nftables.ts';
import { ElementTable } from '#node-agent/network/services/element-table.ts';
import { decodeElement, type SetName, setNames } from '#node-agent/network/services/set-schema.ts';
import { needsRoot } from '../../../support/scratch.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

needsRoot();
const options = {
  table: `bayplan-test-elements${process.pid}`,
  podCidr: '10.202.0.0/24',
  clusterCidr: '10.202.0.0/16',
  serviceCidr: '10.123.0.0/16',
};
t.teardown(() => new ElementTable(options).destroy());

const key = (set: SetName, n: number): readonly [string, string] => {
  const mark = String(0x8000_0000 + n);
  if (set === 'fronts') return [`10.123.0.${n} tcp 80`, mark];
  if (set === 'nodeports') return [`tcp ${30_000 + n}`, mark];
  if (set === 'sizes') return [mark, String(1 + (n % 40))];
  if (set === 'endpoints') return [`${mark} 0`, `10.202.0.${n} 80`];
  if (set === 'guards') return [`10.123.0.${n} udp 80`, mark];
  if (set === 'sources') return [`${mark} 24 10.202.${n}.0`, ''];
  if (set === 'inner') return [mark, mark];
  if (set === 'ids') return [`${mark} 0`, mark];
  return [`10.202.0.${n} 10.202.0.${n}`, ''];
};

/** Everything in the kernel as one sorted list. */
async function present(): Promise<string[]> {
  const all = await Promise.all(
    setNames.map(async (set) =>
      (await listElements(options.table, set)).map(
        (element) => `${set} ${decodeElement(set, element).join(' > ')}`,
      ),
    ),
  );
  return all.flat().sort();
}

async function takeOver(numbers: ReadonlySet<number>): Promise<string[]> {
  const table = new ElementTable(options);
  await table.open();
  const wanted: string[] = [];
  for (const set of setNames)
    for (const n of numbers) {
      const [element, value] = key(set, n);
      table.put(set, element, value);
      wanted.push(`${set} ${element} > ${value}`);
    }
  table.disown();
  await table.flush();
  return wanted.sort();
}

t.test(
  'killed in the middle of changes, the next one brings the table where it should be',
  async (t) => {
    const { random, seed } = seededRandom();
    t.comment(`SEED=${seed}`);
    const program = `
    const { ElementTable } = await import(${JSON.stringify(new URL('../../../../node-agent/network/services/element-table.ts', import.meta.url).href)});
    const table = new ElementTable(${JSON.stringify(options)});
    await table.open();
    console.log('open');
    for (let i = 0; ; i++) {
      const n = 1 + (i * 7) % 200;
      const mark = String(0x80000000 + n);
      const keys = [['fronts', '10.123.0.' + n + ' tcp 80', mark], ['sizes', mark, String(1 + i % 30)], ['endpoints', mark + ' 0', '10.202.0.' + (1 + i % 250) + ' 80']];
      for (const [set, key, value] of keys) if (i % 3) table.put(set, key, value); else table.remove(set, key);
      await table.flush();
    }`;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await delay(random() * 60);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const numbers = new Set(Array.from({ length: 30 }, () => 1 + Math.floor(random() * 200)));
      const wanted = await takeOver(numbers);
      t.strictSame(await present(), wanted);
    }
  },
);

t.test('what others take away or put in is put right with the next change', async (t) => {
  const table = new ElementTable(options);
  await table.open();
  for (const set of setNames) table.put(set, ...key(set, 5));
  table.disown();
  await table.flush();
  const nft = (...args: string[]) => execFileSync('nft', args);
  nft('delete', 'element', 'ip', options.table, 'fronts', '{ 10.123.0.5 . tcp . 80 }');
  nft('add', 'element', 'ip', options.table, 'sizes', '{ 7 : 7 }');
  table.remove('fronts', key('fronts', 5)[0]);
  table.put('fronts', ...key('fronts', 6));
  await table.flush();
  const all = await present();
  t.notOk(
    all.some((line) => line.startsWith('sizes 7 ')),
    'a stranger goes',
  );
  t.ok(all.includes('fronts 10.123.0.6 tcp 80 > 2147483654'));
  t.equal(await table.verify(), false, 'nothing is left to do');
  nft('delete', 'table', 'ip', options.table);
  t.equal(await table.verify(), true);
  t.strictSame(await present(), all, 'the whole table is back');
});

t.test(
  'more slots than usual get a chain of their own; a missing one is an error with a name',
  async (t) => {
    const table = new ElementTable(options);
    await table.open();
    table.put('sizes', '2147483649', '77');
    await table.flush();
    t.match(
      execFileSync('nft', ['list', 'table', 'ip', options.table], { encoding: 'utf8' }),
      /mod 77/,
    );
    await t.rejects(listElements(options.table, 'nonsense'), { code: 'ENOENT', path: / nonsense/ });
  },
);

t.test('once destroyed, a table is not made again by who still keeps it true', async (t) => {
  const table = new ElementTable(options);
  await table.open();
  const tables = () => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  t.match(tables(), options.table);
  const destroyed = table.destroy();
  table.put('fronts', ...key('fronts', 5));
  const later = [table.flush(), table.verify(), table.run(`add table ip ${options.table}-policy`)];
  await Promise.all([destroyed, ...later]);
  t.notMatch(tables(), options.table);
});
