/** The documents of one YAML or JSON text; each problem is told with file and line and keeps no other document back. */
import { LineCounter, parseAllDocuments } from 'yaml';
import { isObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { kustomizeYaml } from '#api/resources/yaml-tags.ts';
import type { Document, Problem, Rendered } from '../types.ts';

/** Documents of one file; aliases that multiply are refused by the parser. */
const maxDocuments = 10_000;

export const isDocumentFile = (path: string): boolean => /\.(ya?ml|json)$/.test(path);

const problemOf = (value: unknown): string | undefined => {
  if (!isObject(value)) return 'a document must be an object with apiVersion and kind';
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') return `${field} is missing`;
  }
  if (!isObject(value['metadata'])) return 'metadata is missing';
  const { name, namespace, labels, annotations } = value['metadata'];
  if (typeof name !== 'string' || name === '') return 'metadata.name is missing';
  if (namespace !== undefined && typeof namespace !== 'string') {
    return 'metadata.namespace is no text; put it between quotes';
  }
  for (const [field, map] of Object.entries({ labels, annotations })) {
    if (map === undefined || map === null) continue;
    if (!isObject(map)) return `metadata.${field} must be an object`;
    const odd = Object.entries(map).find(([, text]) => typeof text !== 'string');
    if (odd !== undefined) return `metadata.${field}.${odd[0]} is no text; put it between quotes`;
  }
  if (isObject(value['sops'])) return 'is encrypted by SOPS, which is not read; decrypt it before';
  return undefined;
};

/** An object with `kind: List` stands for its items. */
function flatten(
  value: unknown,
  place: string,
  out: { documents: Document[]; problems: Problem[] },
) {
  const { kind, items } = objectOr(value);
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    for (const item of items) flatten(item, place, out);
    return;
  }
  const message = problemOf(value);
  if (message === undefined) out.documents.push({ object: value as KubeObject, place });
  else out.problems.push({ place, message });
}

/** All documents of the text in order; empty ones are passed over. */
export function parseDocuments(text: string, file: string): Rendered {
  const out = { documents: [] as Document[], problems: [] as Problem[] };
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { ...kustomizeYaml, lineCounter, prettyErrors: false });
  if (!Array.isArray(parsed)) return out;
  if (parsed.length > maxDocuments) {
    const message = `has more than ${maxDocuments} documents`;
    return { documents: [], problems: [{ place: file, message }] };
  }
  for (const document of parsed) {
    const [problem] = document.errors;
    if (problem !== undefined) {
      const { line, col } = lineCounter.linePos(problem.pos[0]);
      out.problems.push({ place: `${file}:${line}:${col}`, message: problem.message });
      continue;
    }
    const start = document.contents?.range?.[0] ?? 0;
    const place = `${file}:${lineCounter.linePos(start).line}`;
    try {
      const value: unknown = document.toJS({ maxAliasCount: 100 });
      if (value !== null && value !== undefined) flatten(value, place, out);
    } catch (error) {
      out.problems.push({ place, message: (error as Error).message });
    }
  }
  return out;
}
