/**
 * OpenAPI v3: an index of documents, and one document for each group-version. kubectl reads them before `create` and
 * `apply` (does PATCH take `fieldValidation`? which keys merge lists?) and for `explain`.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { apiVersionOf } from '../resources/meta.ts';
import { describe } from './descriptions.ts';
import { typeSchema } from './facts.ts';
import type { Kind, Kinds } from './kind.ts';
import { componentName, contentHash, type Member, membersOf } from './openapi-members.ts';
import { pathsOf } from './openapi-paths.ts';
import {
  componentOf,
  customComponent,
  listComponent,
  namedTypes,
  scalarSchemas,
} from './openapi-schemas.ts';
import type { Json } from './openapi-shape.ts';

/** A document ready to be sent. */
export interface OpenapiDocument {
  /** Compressed with gzip: as most clients take it, and a tenth of its size to keep. */
  readonly packed: Buffer;
  /** As in the index's `?hash=`; the same for the same content, known without making the document. */
  readonly hash: string;
}

const pack = promisify(gzip);
const documents = new Map<string, Promise<OpenapiDocument>>();
/** Documents of definitions that changed stay behind in the cache: it is emptied when this many are in it. */
const maxDocuments = 128;

/** `GET /openapi/v3`: where each group-version's document is. */
export function openapiIndex(kinds: Kinds): { readonly bytes: Buffer; readonly hash: string } {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const [path, { hash }] of membersOf(kinds)) {
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  }
  const bytes = Buffer.from(JSON.stringify({ paths }));
  return { bytes, hash: contentHash(bytes) };
}

/**
 * `GET /openapi/v3/<path>`: `api/v1`, `apis/apps/v1`; undefined if that is not served. Made on the first
 * request (tens of milliseconds, in short steps), then kept.
 */
export async function openapiDocument(
  kinds: Kinds,
  path: string,
): Promise<OpenapiDocument | undefined> {
  const member = membersOf(kinds).get(path);
  if (member === undefined) return undefined;
  const known = documents.get(member.hash);
  if (known !== undefined) return known;
  if (documents.size >= maxDocuments) documents.clear();
  const made = makeDocument(path, member);
  documents.set(member.hash, made);
  made.catch(() => documents.delete(member.hash));
  return made;
}

async function makeDocument(path: string, { hash, kinds }: Member): Promise<OpenapiDocument> {
  const roots = kinds.filter((kind) => kind.custom === undefined).map((kind) => kind.schema);
  const shared = ['ObjectMeta', 'ListMeta', 'DeleteOptions', 'Status'];
  const types = namedTypes([...roots, ...shared.map((name) => typeSchema(`meta.v1.${name}`))]);
  const schemas: Json = {};
  for (const [name, schema] of types) {
    schemas[name] = componentOf(schema, await describe(name));
  }
  for (const kind of kinds) addKind(schemas, kind);
  Object.assign(schemas, scalarSchemas());
  await yieldToOthers();
  const paths = documentPaths(path, kinds);
  await yieldToOthers();
  const document = {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths,
    components: { schemas },
  };
  return { packed: await pack(JSON.stringify(document)), hash };
}

function addKind(schemas: Json, kind: Kind): void {
  const { group, version } = kind;
  const name = componentName(kind);
  const component =
    kind.custom === undefined
      ? (schemas[name] as Json)
      : customComponent(kind.custom.openAPIV3Schema);
  const gvk = (word: string): Json => ({
    'x-kubernetes-group-version-kind': [{ group, kind: word, version }],
  });
  schemas[name] = { ...component, ...gvk(kind.kind) };
  if (kind.verbs.includes('list')) {
    schemas[`${name}List`] = { ...listComponent(kind.kind, name), ...gvk(kind.listKind) };
  }
}

function documentPaths(root: string, kinds: readonly Kind[]): Json {
  const names = new Map(
    kinds.map((kind) => [`${apiVersionOf(kind)}/${kind.kind}`, componentName(kind)]),
  );
  const paths: Json = {};
  for (const kind of kinds) {
    Object.assign(
      paths,
      pathsOf(kind, `/${root}`, (gvk) => names.get(`${apiVersionOf(gvk)}/${gvk.kind}`)),
    );
  }
  return paths;
}
