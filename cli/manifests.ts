/** Reads documents from files, directories and standard input; every problem is told with file and line. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseAllDocuments } from 'yaml';
import type { KubeObject } from '#api/resources/meta.ts';
import { goYaml } from '#api/resources/yaml-tags.ts';

/** A document and where it stands: `web.yaml:12`. */
export interface Manifest {
  readonly object: KubeObject;
  readonly place: string;
}

const isManifest = (name: string): boolean => /\.(ya?ml|json)$/.test(name);

function filesOf(path: string, recursive: boolean): string[] {
  if (path === '-') return [path];
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) throw new Error(`the path "${path}" does not exist`);
  if (!facts.isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return recursive ? filesOf(below, true) : [];
      return isManifest(entry.name) ? [below] : [];
    });
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new Error(`read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** An object with `kind: List` stands for its items. */
function flatten(value: unknown, place: string): Manifest[] {
  const object = value as Partial<KubeObject> & { items?: unknown[] };
  if (object.kind === 'List' && Array.isArray(object.items)) {
    return object.items.flatMap((item) => flatten(item, place));
  }
  if (typeof object !== 'object' || Array.isArray(object)) {
    throw new Error(`${place}: a document must be an object with apiVersion and kind`);
  }
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof object[field] !== 'string') throw new Error(`${place}: ${field} is missing`);
  }
  const { metadata } = object;
  if (metadata?.name === undefined && metadata?.generateName === undefined) {
    throw new Error(`${place}: metadata.name is missing`);
  }
  return [{ object: object as KubeObject, place }];
}

/** The documents of one YAML or JSON text, in order; empty documents are passed over. */
export function parseManifests(text: string, file: string): Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    ...goYaml,
    lineCounter: lines,
    prettyErrors: false,
  });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lines.linePos(problem.pos[0]);
      throw new Error(`${file}:${line}:${col}: ${problem.message}`);
    }
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    const start = document.contents?.range?.[0] ?? 0;
    return flatten(value, `${file}:${lines.linePos(start).line}`);
  });
}

/** All documents in the paths, `recursive`: below them; `-` is standard input. Throws an Error that names file and line. */
export function readManifests(
  paths: readonly string[],
  { recursive = false }: { readonly recursive?: boolean } = {},
): Manifest[] {
  return paths
    .flatMap((path) => filesOf(path, recursive))
    .flatMap((file) => parseManifests(readText(file), file === '-' ? 'standard input' : file));
}
