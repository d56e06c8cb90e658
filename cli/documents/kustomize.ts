/** `-k DIRECTORY`: the documents of a kustomization, by the same renderer that GitSync has. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { render } from '#controller/git-sync/render/render.ts';
import { directoryTree } from '#controller/git-sync/source/directory.ts';
import type { Manifest } from '../manifests.ts';

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

const fileIn = (folder: string): string | undefined =>
  fileNames.map((name) => join(folder, name)).find((path) => existsSync(path));

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The folder and those outside it that its kustomization names, and theirs. */
function foldersOf(folder: string, seen = new Set<string>()): Set<string> {
  const file = fileIn(folder);
  if (seen.has(folder) || file === undefined) return seen;
  seen.add(folder);
  const text = readFileSync(file, 'utf8');
  for (const [, path = ''] of text.matchAll(/(?:^|[\s"'])((?:\.\.?\/|[\w-]+\/)[^\s"'#]*|\.\.)/gm)) {
    const named = resolve(folder, path);
    if (isFolder(named)) foldersOf(named, seen);
    else if (existsSync(named)) seen.add(dirname(named));
  }
  return seen;
}

function common(a: string, b: string): string {
  const up = relative(a, b)
    .split('/')
    .filter((step) => step === '..').length;
  return resolve(a, '../'.repeat(up) || '.');
}

/** @throws Error that names the file and line of the first problem */
export async function readKustomization(directory: string): Promise<Manifest[]> {
  const folder = resolve(directory);
  if (!isFolder(folder)) throw new Error(`-k ${directory}: there is no such directory`);
  if (fileIn(folder) === undefined) {
    throw new Error(`-k ${directory}: no kustomization file found in ${folder}`);
  }
  const root = [...foldersOf(folder)].reduce(common, folder);
  const { documents, problems } = await render(await directoryTree(root), relative(root, folder));
  const shown = (place: string) => relative(process.cwd(), join(root, place));
  const [problem] = problems;
  if (problem !== undefined) throw new Error(`${shown(problem.place)}: ${problem.message}`);
  return documents.map(({ object, place }) => ({ object, place: shown(place) }));
}
