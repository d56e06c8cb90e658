/**
 * YAML bodies as Kubernetes reads them: YAML 1.1 (`yes` is true, `0644` is octal), times stay strings, only the
 * first document counts. The parser is loaded when the first YAML body comes.
 */
import { createRequire } from 'node:module';
import type { Document, ToJSOptions as ToJsOptions } from 'yaml';
import { goYaml } from '../resources/yaml-tags.ts';
import { memberNames } from './json-scan.ts';

type Yaml = typeof import('yaml');

/** A text that is not YAML; `message` says where. */
export class MalformedYaml extends Error {
  override readonly name = 'MalformedYaml';
}

const require = createRequire(import.meta.url);
let loaded: Yaml | undefined;

function yaml(): Yaml {
  loaded ??= require('yaml') as Yaml;
  return loaded;
}

/**
 * The value, and go-yaml's complaint if a mapping names a key twice (the last one counts).
 * @throws MalformedYaml
 */
export function parseYaml(text: string): { value: unknown; repeated?: string } {
  const plain = fromJson(text);
  if (plain !== undefined) return plain;
  const [document] = yaml().parseAllDocuments(text, {
    ...goYaml,
    strict: false,
    prettyErrors: true,
    // The parser compares each key with each other of its mapping: minutes for some ten thousands.
    uniqueKeys: false,
  });
  if (document === undefined || !('contents' in document)) return { value: null };
  const [broken] = document.errors;
  if (broken !== undefined) throw malformed(broken);
  const lines = repeatedKeys(document, text).map(
    (offset) => `  line ${lineAt(text, offset)}: key ${keyAt(text, offset)} already set in map`,
  );
  const value = toJson(document);
  return lines.length === 0
    ? { value }
    : { value, repeated: ['yaml: unmarshal errors:', ...lines].join('\n') };
}

function toJson(document: { toJS(options?: ToJsOptions): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new MalformedYaml(`error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
}

function malformed(error: {
  message: string;
  linePos?: [{ line: number; col: number }, ...unknown[]];
}) {
  const place = error.linePos?.[0];
  const text = error.message.split(/ at line \d+|:?\n/)[0] ?? error.message;
  const where = place === undefined ? '' : `line ${place.line}: `;
  const column = place === undefined ? '' : ` (column ${place.col})`;
  return new MalformedYaml(`error converting YAML to JSON: yaml: ${where}${text}${column}`);
}

/** Clients send JSON under YAML's name: it is read as what it is, unless a key comes twice, which YAML's words tell. */
function fromJson(text: string): { value: unknown } | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return countKeys(value) === memberNames(text) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const values = Object.values(value);
  const own = Array.isArray(value) ? 0 : values.length;
  return values.reduce((sum: number, each) => sum + countKeys(each), own);
}

/** Where mappings name a key again, in the order of the text. */
function repeatedKeys(document: Document, text: string): number[] {
  const found: number[] = [];
  yaml().visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const [start, end] = (key as { range?: [number, number] } | null)?.range ?? [-1, -1];
        if (start < 0) continue;
        const name = yaml().isScalar(key)
          ? `${typeof key.value} ${String(key.value)}`
          : text.slice(start, end);
        if (seen.has(name)) found.push(start);
        seen.add(name);
      }
    },
  });
  return found.sort((x, y) => x - y);
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** The key that starts at `offset`, in quotes as go-yaml prints it. */
function keyAt(text: string, offset: number): string {
  const line = text.slice(offset).split('\n')[0] ?? '';
  const match = /^(?:"([^"]*)"|'([^']*)'|([^:,}\]]+))/.exec(line);
  return JSON.stringify((match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim());
}
