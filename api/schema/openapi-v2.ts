/**
 * `GET /openapi/v2`: every kind in one document, as JSON or as gnostic's message. kubectl up to 1.28, helm and Argo CD
 * read it, the conformance profile too.
 *
 * It is 4 MB of text made from hundreds of files, so it is made when first asked for, in small steps, straight into a
 * compressor, and kept compressed. Kubernetes' own part is made once; custom kinds are put to it as they change.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gunzip } from 'node:zlib';
import { apiVersionOf } from '../resources/meta.ts';
import { describe } from './descriptions.ts';
import { fullName, typeSchema } from './facts.ts';
import type { Kind, Kinds } from './kind.ts';
import { componentName, contentHash, generationHash, rootOf } from './openapi-members.ts';
import { pathsOf } from './openapi-paths.ts';
import { namedTypes } from './openapi-schemas.ts';
import type { Json } from './openapi-shape.ts';
import { pathItemV2 } from './openapi-v2-paths.ts';
import {
  customDefinition,
  definitionOf,
  listDefinition,
  scalarDefinitions,
} from './openapi-v2-schemas.ts';
import type { Schema } from './schema.ts';

export type V2Encoding = 'json' | 'protobuf';

export interface V2Document {
  /** The document, compressed with gzip. */
  readonly packed: Buffer;
  /** The same for the same content, whatever the encoding's bytes are. */
  readonly hash: string;
}

interface Half {
  readonly paths: Buffer;
  readonly definitions: Buffer;
}

const info = { title: 'Kubernetes', version: 'v1.36.2' };
const bodies = ['autoscaling.v1.Scale', 'policy.v1.Eviction', 'authentication.v1.TokenRequest'];
const shared = ['ObjectMeta', 'ListMeta', 'DeleteOptions', 'Status'].map(
  (name) => `meta.v1.${name}`,
);

const builtIn = new Map<V2Encoding, Promise<Half>>();
const latest = new Map<V2Encoding, { readonly hash: string; readonly made: Promise<Buffer> }>();
const unpack = promisify(gunzip);

/** What `/openapi/v2` would be now: known without making it. */
export function openapiV2Hash(kinds: Kinds): string {
  return contentHash(`2 ${generationHash(kinds)}`);
}

/** The document; requests for the same content share the work. */
export async function openapiV2(kinds: Kinds, encoding: V2Encoding): Promise<V2Document> {
  const hash = openapiV2Hash(kinds);
  let entry = latest.get(encoding);
  if (entry === undefined || entry.hash !== hash) {
    const made = makeDocument(kinds, encoding);
    entry = { hash, made };
    latest.set(encoding, entry);
    made.catch(() => latest.delete(encoding));
  }
  return { hash, packed: await entry.made };
}

/** How one encoding writes the document's parts. */
interface Form {
  readonly opening: Buffer;
  path(name: string, item: Json): Buffer;
  readonly between: Buffer;
  definition(name: string, schema: Json): Buffer;
  readonly closing: Buffer;
}

const member = (name: string, value: Json): Buffer =>
  Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)},`);
/** Every member ends in a comma: an empty last one makes the text JSON. */
const jsonForm: Form = {
  opening: Buffer.from(`{"swagger":"2.0","info":${JSON.stringify(info)},"paths":{`),
  path: member,
  between: Buffer.from('"/version/":{}},"definitions":{'),
  definition: member,
  closing: Buffer.from(`${JSON.stringify(fullName('meta.v1.Patch'))}:{"type":"object"}}}\n`),
};

async function formOf(encoding: V2Encoding): Promise<Form> {
  if (encoding === 'json') return jsonForm;
  const { definitionChunk, documentHead, pathChunk } = await import('./openapi-v2-protobuf.ts');
  const nothing = Buffer.alloc(0);
  return {
    opening: documentHead(info.title, info.version),
    path: pathChunk,
    between: nothing,
    definition: definitionChunk,
    closing: definitionChunk(fullName('meta.v1.Patch'), { type: 'object' }),
  };
}

async function makeDocument(kinds: Kinds, encoding: V2Encoding): Promise<Buffer> {
  const form = await formOf(encoding);
  const own = kinds.all().filter((kind) => kind.custom === undefined);
  let half = builtIn.get(encoding);
  if (half === undefined) {
    half = makeHalf(own, form);
    builtIn.set(encoding, half);
    half.catch(() => builtIn.delete(encoding));
  }
  const { paths, definitions } = await half;
  const custom = kinds.all().filter((kind) => kind.custom !== undefined);
  const out = packer(constants.Z_BEST_SPEED);
  await out.write(form.opening);
  await out.write(await unpack(paths));
  for (const [name, item] of pathsOfKinds(custom)) await out.write(form.path(name, item));
  await out.write(form.between);
  await out.write(await unpack(definitions));
  for (const [name, schema] of customDefinitions(custom)) {
    await out.write(form.definition(name, schema));
  }
  await out.write(form.closing);
  return out.end();
}

async function makeHalf(kinds: readonly Kind[], form: Form): Promise<Half> {
  const paths = packer(constants.Z_DEFAULT_COMPRESSION);
  for (const [name, item] of pathsOfKinds(kinds)) await paths.write(form.path(name, item));
  const definitions = packer(constants.Z_DEFAULT_COMPRESSION);
  for await (const [name, schema] of builtInDefinitions(kinds)) {
    await definitions.write(form.definition(name, schema));
  }
  return { paths: await paths.end(), definitions: await definitions.end() };
}

/** A compressor that takes its parts one by one, and lets others have their turn between them. */
function packer(level: number) {
  const gzip = createGzip({ level });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => gzip.on('end', resolve).on('error', reject));
  return {
    async write(part: Buffer): Promise<void> {
      if (part.length === 0) return;
      if (!gzip.write(part)) await new Promise<void>((drained) => gzip.once('drain', drained));
      else await yieldToOthers();
    },
    async end(): Promise<Buffer> {
      gzip.end();
      await ended;
      return Buffer.concat(chunks);
    },
  };
}

function* pathsOfKinds(kinds: readonly Kind[]): Generator<readonly [string, Json]> {
  const names = new Map(
    kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, componentName(kind)]),
  );
  for (const kind of kinds) {
    const paths = pathsOf(kind, `/${rootOf(kind)}`, (gvk) =>
      names.get(`${apiVersionOf(gvk)}/${gvk.kind}`),
    );
    for (const [name, item] of Object.entries(paths)) yield [name, pathItemV2(item as Json)];
  }
}

const gvkOf = ({ group, version }: Kind, kind: string): Json => ({
  'x-kubernetes-group-version-kind': [{ group, kind, version }],
});

function listOf(kind: Kind): readonly (readonly [string, Json])[] {
  if (!kind.verbs.includes('list')) return [];
  const name = componentName(kind);
  return [[`${name}List`, { ...listDefinition(kind.kind, name), ...gvkOf(kind, kind.listKind) }]];
}

async function* builtInDefinitions(
  kinds: readonly Kind[],
): AsyncGenerator<readonly [string, Json]> {
  const byName = new Map(kinds.map((kind) => [componentName(kind), kind]));
  const roots: Schema[] = [
    ...kinds.map((kind) => kind.schema),
    ...[...bodies, ...shared].map(typeSchema),
  ];
  for (const [name, schema] of namedTypes(roots)) {
    const definition = definitionOf(schema, await describe(name));
    const kind = byName.get(name);
    yield [name, kind === undefined ? definition : { ...definition, ...gvkOf(kind, kind.kind) }];
  }
  for (const kind of kinds) yield* listOf(kind);
  yield* scalarDefinitions();
}

function* customDefinitions(kinds: readonly Kind[]): Generator<readonly [string, Json]> {
  for (const kind of kinds) {
    const definition = customDefinition(kind.custom?.openAPIV3Schema);
    yield [componentName(kind), { ...definition, ...gvkOf(kind, kind.kind) }];
    yield* listOf(kind);
  }
}
