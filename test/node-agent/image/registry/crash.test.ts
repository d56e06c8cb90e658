/** kill -9 in the middle of a pull: nothing half done is visible, and the next pull goes on where it was. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import t from 'tap';
import { BadRegistry } from '../../../support/bad-registry.ts';
import { layer } from '../../../support/image-archives.ts';
import { folder } from '../../../support/image-store.ts';
import { impatientStore, largeLayer } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('registry-crash');
const script = new URL('../../../support/pull-once.ts', import.meta.url).pathname;
const MIB = 2 ** 20;

/** Pulls in a process of its own and kills it when a line of its progress is the one waited for. */
async function killedAt(
  dataDir: string,
  name: string,
  wanted: (line: string) => boolean,
): Promise<boolean> {
  const child = spawn(process.execPath, [script, dataDir, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (wanted(line)) child.kill('SIGKILL');
  }
  const [, signal] = await ended;
  return signal === 'SIGKILL';
}

async function rig() {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const { layers } = registry.image('app', '1', {
    layers: [layer('first', '1'), largeLayer(8 * MIB), layer('last', '2')],
  });
  const large = layers[1]?.digest ?? '';
  return { registry, large, name: `${registry.host}/app:1`, dataDir: directory() };
}

t.test('killed in mid blob, the rest alone is fetched by the next pull', async (t) => {
  const { registry, large, name, dataDir } = await rig();
  // The registry stops in the middle, so that the moment is certain.
  registry.meet = (_request, response, url) => {
    if (!url.endsWith(large)) return false;
    const bytes = registry.blobs.get(large) as Buffer;
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 5 * MIB));
    return true;
  };
  t.ok(await killedAt(dataDir, name, (line) => line === `downloading ${5 * MIB}`));
  // Progress counts what came; what of it had reached the file when the process died is its own matter.
  const held = statSync(`${dataDir}/images/downloads/${large.slice(7)}`).size;
  t.ok(held > 0 && held <= 5 * MIB, `${held} bytes were kept`);
  const images = await impatientStore(dataDir);
  t.strictSame(await images.list(), []);
  t.strictSame(folder(dataDir, 'blobs/sha256'), []);
  t.strictSame(folder(dataDir, 'layers'), []);
  registry.meet = () => false;
  registry.seen.length = 0;
  t.strictSame((await images.pull(name)).tags, [name]);
  const blobs = registry.seen.filter(({ url }) => url.includes('/blobs/'));
  t.strictSame(
    blobs.map(({ url, headers }) => [url.slice(-71), headers.range]),
    [[large, `bytes=${held}-`]],
    'what was whole is not fetched again',
  );
  t.strictSame(folder(dataDir, 'downloads'), []);
});

t.test('killed at each step, the store is whole and the next pull succeeds', async (t) => {
  const moments = ['waiting', 'unpacking', 'done'];
  for (const moment of moments) {
    for (const nth of [1, 3]) {
      const { name, dataDir } = await rig();
      let times = 0;
      const killed = await killedAt(
        dataDir,
        name,
        (line) => line.startsWith(moment) && ++times === nth,
      );
      const images = await impatientStore(dataDir);
      const there = await images.list();
      if (!killed || there.length > 0) t.equal(there.length, 1, `${moment} ${nth}: it was faster`);
      const image = await images.pull(name);
      t.equal((await images.layers(image)).length, 3);
      t.equal(folder(dataDir, 'layers').length, 3);
      t.equal(folder(dataDir, 'blobs/sha256').length, 5);
    }
  }
});

t.test('a download that was damaged on disk is begun anew', async (t) => {
  const { registry, large, name, dataDir } = await rig();
  mkdirSync(`${dataDir}/images/downloads`, { recursive: true });
  writeFileSync(`${dataDir}/images/downloads/${large.slice(7)}`, Buffer.alloc(MIB));
  await (await impatientStore(dataDir)).pull(name);
  t.equal(registry.count('GET', new RegExp(large)), 2);
});
