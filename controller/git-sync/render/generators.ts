/** ConfigMaps and Secrets made of files and of what the kustomization itself says. */
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Generator, GeneratorOptions } from './kustomization.ts';

/** Reads a file of the kustomization's folder. */
export type ReadFile = (path: string) => Promise<Buffer>;

const isText = (content: Buffer): boolean => Buffer.from(content.toString('utf8')).equals(content);

/** `key=value`; quotes around the whole value go. */
function literal(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new Error(`literals: ${JSON.stringify(text)} must be key=value`);
  const value = text.slice(at + 1);
  const quoted = /^(["'])(.*)\1$/s.exec(value);
  return [text.slice(0, at), quoted?.[2] ?? value];
}

/** Lines `KEY=value`; empty ones and those that begin with # say nothing. */
function environment(text: string, file: string): (readonly [string, string])[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const said = line.trimStart();
    if (said === '' || said.startsWith('#')) return [];
    const at = said.indexOf('=');
    if (at <= 0) throw new Error(`${file}:${i + 1}: must be KEY=value`);
    return [[said.slice(0, at), said.slice(at + 1)] as const];
  });
}

async function contentOf(generator: Generator, read: ReadFile): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const add = (key: string, value: Buffer) => {
    if (found.has(key)) throw new Error(`the key ${key} is there twice`);
    found.set(key, value);
  };
  const { envs = [], env, files = [], literals = [] } = generator;
  for (const path of env === undefined ? envs : [...envs, env]) {
    const pairs = environment((await read(path)).toString('utf8'), path);
    for (const [key, value] of pairs) add(key, Buffer.from(value));
  }
  for (const text of literals) {
    const [key, value] = literal(text);
    add(key, Buffer.from(value));
  }
  for (const text of files) {
    const at = text.indexOf('=');
    const path = text.slice(at + 1);
    add(at < 0 ? (path.split('/').at(-1) ?? path) : text.slice(0, at), await read(path));
  }
  return found;
}

function filled(kind: 'ConfigMap' | 'Secret', content: ReadonlyMap<string, Buffer>) {
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const [key, value] of [...content].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (kind === 'Secret') data[key] = value.toString('base64');
    else if (isText(value)) data[key] = value.toString('utf8');
    else binaryData[key] = value.toString('base64');
  }
  return {
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  };
}

/** The object the generator makes. @throws Error that says which part of it is wrong */
export async function generate(
  kind: 'ConfigMap' | 'Secret',
  generator: Generator,
  options: GeneratorOptions,
  read: ReadFile,
): Promise<KubeObject> {
  const { name, namespace, type } = generator;
  const labels = { ...options.labels, ...generator.options?.labels };
  const annotations = { ...options.annotations, ...generator.options?.annotations };
  const immutable = generator.options?.immutable ?? options.immutable;
  return {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(kind === 'Secret' ? { type: type ?? 'Opaque' } : {}),
    ...filled(kind, await contentOf(generator, read)),
    ...(immutable === true ? { immutable } : {}),
  };
}

/** What `behavior: merge` makes of the object that is there. */
export function mergeGenerated(held: KubeObject, made: KubeObject): void {
  for (const field of ['data', 'binaryData'] as const) {
    if (held[field] === undefined && made[field] === undefined) continue;
    held[field] = { ...objectOr(held[field]), ...objectOr(made[field]) };
  }
  const { metadata } = held;
  const both = { ...metadata.labels, ...made.metadata.labels };
  if (Object.keys(both).length > 0) metadata.labels = both;
  const notes = { ...metadata.annotations, ...made.metadata.annotations };
  if (Object.keys(notes).length > 0) metadata.annotations = notes;
}
