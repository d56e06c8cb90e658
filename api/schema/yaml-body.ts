/**
 * YAML bodies as Kubernetes reads them: YAML 1.1 (`yes` is true, `0644` is octal), times stay strings, only the
 * first document counts. The parser is loaded when the first YAML body comes.
 */
import { createRequire } from 'node:module';
import type { ToJSOptions as ToJsOptions } from 'yaml';

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

/** go-yaml knows these tags, but gives JSON no more than their text. */
const unwantedTags = new Set([
  'tag:yaml.org,2002:timestamp',
  'tag:yaml.org,2002:set',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
]);

/**
 * The value, and go-yaml's complaint if a mapping names a key twice (the last one counts).
 * @throws MalformedYaml
 */
export function parseYaml(text: string): { value: unknown; repeated?: string } {
  const [document] = yaml().parseAllDocuments(text, {
    version: '1.1',
    strict: false,
    prettyErrors: true,
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || !unwantedTags.has(tag.tag)),
  });
  if (document === undefined || !('contents' in document)) return { value: null };
  const isRepeated = (error: { code: string }): boolean => error.code === 'DUPLICATE_KEY';
  const broken = document.errors.find((error) => !isRepeated(error));
  if (broken !== undefined) throw malformed(broken);
  const lines = document.errors
    .filter(isRepeated)
    .map(
      (error) =>
        `  line ${error.linePos?.[0].line}: key ${keyAt(text, error.pos[0])} already set in map`,
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

/** The key that starts at `offset`, in quotes as go-yaml prints it. */
function keyAt(text: string, offset: number): string {
  const line = text.slice(offset).split('\n')[0] ?? '';
  const match = /^(?:"([^"]*)"|'([^']*)'|([^:,}\]]+))/.exec(line);
  return JSON.stringify((match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim());
}
