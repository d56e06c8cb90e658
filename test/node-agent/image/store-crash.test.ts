/** kill -9 before each change of the disk that an operation on the store makes: nothing half done, and it can be done again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { openImages } from '#node-agent/image/image-store.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { folder, loadTagged, namesIn } from '../../support/image-store.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';

needsRoot();
t.setTimeout(300_000);
const directory = scratch('store-crash');
const support = (name: string) => new URL(`../../support/${name}`, import.meta.url).pathname;

/** How many changes were made; undefined when it was killed. */
async function diesAt(dataDir: string, operation: string, dieAt: number) {
  const args = ['--import', support('die-at.ts'), support('store-once.ts'), dataDir, operation];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DIE_AT: String(dieAt) },
  });
  const ended = once(child, 'exit');
  const told = await text(child.stderr);
  const [code, signal] = await ended;
  if (signal === 'SIGKILL') return undefined;
  if (code !== 0) throw new Error(told);
  return Number(/changes (\d+)/.exec(told)?.[1]);
}

async function prepared(operation: string): Promise<string> {
  const dataDir = directory();
  const images = await openImages({ dataDir });
  const old = await loadTagged(images, ['old:1'], 'old');
  await loadTagged(images, ['other:1'], 'other');
  if (operation === 'unpack') {
    for (const path of await images.layers(old)) rmSync(path, { recursive: true });
  }
  return dataDir;
}

/** Every image there is, is there whole. */
async function mustHaveAll(images: NodeImages, where: string): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  const { content, images: stored } = images.shelf();
  for (const { digest, id, layers } of stored()) {
    const blobs = [digest, id, ...layers.map((layer) => layer.digest)];
    t.ok(await content.blobs.areSound(blobs), `${where}: sound`);
  }
  for (const image of await images.list()) {
    for (const path of await images.layers(image)) {
      paths.add(path);
      t.ok(namesIn(path).length > 0, `${where}: ${path}`);
    }
  }
  return paths;
}

/** The same for whoever opens the store now; and nothing lies about. */
async function mustBeWhole(dataDir: string, where: string): Promise<void> {
  const images = await openImages({ dataDir });
  const layers = await mustHaveAll(images, where);
  t.equal(folder(dataDir, 'layers').length, layers.size, `${where}: no layer of nobody`);
  t.strictSame(folder(dataDir, 'incoming'), [], where);
  t.notOk(
    folder(dataDir, 'blobs/sha256').some((name) => name.endsWith('.tmp')),
    where,
  );
  await images.close();
}

for (const operation of ['load', 'commit', 'unpack', 'tag', 'remove', 'prune']) {
  t.test(`${operation}, killed before any of its changes`, async (t) => {
    const model = await prepared(operation);
    const copy = () => {
      const dataDir = directory();
      cpSync(join(model, 'images'), join(dataDir, 'images'), {
        recursive: true,
        verbatimSymlinks: true,
      });
      mkdirSync(join(dataDir, 'upper'));
      writeFileSync(join(dataDir, 'upper/made'), 'made here');
      return dataDir;
    };
    const count = async (operation: string) => {
      const dataDir = copy();
      const other = await openImages({ dataDir });
      const changes = (await diesAt(dataDir, operation, -1)) ?? 0;
      await other.close();
      return changes;
    };
    const opening = await count('open');
    const changes = await count(operation);
    t.ok(changes > opening, `${changes} changes, ${opening} of them by opening`);
    // Each death is a process, which costs; all of them with EVERY=1.
    const stride = process.env['EVERY'] === undefined ? Math.ceil((changes - opening) / 4) : 1;
    for (let dieAt = opening; dieAt < changes; dieAt += stride) {
      const dataDir = copy();
      const where = `${operation} killed before change ${dieAt} of ${changes}`;
      // Another process has the store open all the while, and goes on.
      const other = await openImages({ dataDir });
      t.equal(await diesAt(dataDir, operation, dieAt), undefined, where);
      await loadTagged(other, ['beside:1'], 'beside');
      await mustHaveAll(other, where);
      await mustBeWhole(dataDir, where);
      await other.close();
      const isGone = operation === 'remove' || operation === 'prune';
      const left = await (await openImages({ dataDir })).find('old:1');
      if (isGone && left === undefined) continue;
      await diesAt(dataDir, operation, -1);
      await mustBeWhole(dataDir, `${where}, and done again`);
    }
  });
}
