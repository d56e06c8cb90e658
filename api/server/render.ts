/** Answers of verbs in the form the client asked for: whole, as a Table, metadata alone; JSON, YAML or protobuf. */
import type { JsonObject } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, type Status } from '#api/resources/status.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { type IncludeObject, partialMetadata, type TableOptions, tableOf } from '../table/table.ts';
import type { Answer, ListMeta, Payload } from '../verbs/request.ts';
import { served, servedBody } from '../verbs/served.ts';
import { type EventForm, jsonLines } from '../verbs/watch-frames.ts';
import { type Accepted, type Encoding, mediaTypes, type Offer } from './negotiation.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const comma = Buffer.from(',');
const end = Buffer.from(']}\n');

const builtInEncodings: readonly Encoding[] = ['json', 'yaml', 'protobuf'];
const customEncodings: readonly Encoding[] = ['json', 'yaml'];

/** What an answer of this verb can be sent as. */
export function offerOf(kind: Kind, verb: string, subresource: string | undefined): Offer {
  const readable = verb === 'get' || verb === 'list' || verb === 'watch';
  const encodings = kind.custom === undefined ? builtInEncodings : customEncodings;
  if (kind.virtual || (subresource !== undefined && !readable)) {
    return { forms: ['whole'], encodings };
  }
  return { forms: ['whole', 'table', 'partial'], encodings };
}

export interface View extends Accepted {
  readonly includeObject: IncludeObject;
  readonly now: Date;
}

/** What of each object a Table is to carry. Throws 400. */
export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') || 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

/** An answer's body, in parts. */
export interface Rendered {
  readonly contentType: string;
  readonly chunks: readonly Buffer[];
}

/** Throws 406 for an object that has no protobuf form. */
export async function render(answer: Answer, view: View, kinds: Kinds): Promise<Rendered> {
  const contentType = mediaTypes[view.encoding];
  if (view.encoding === 'protobuf') {
    return { contentType, chunks: await asProtobuf(answer, view, kinds) };
  }
  if (view.encoding === 'yaml') {
    const { yamlBody } = await import('./yaml-answers.ts');
    return { contentType, chunks: [await yamlBody(Buffer.concat(jsonOf(answer, view)))] };
  }
  return { contentType, chunks: jsonOf(answer, view) };
}

function jsonOf({ kind, payload }: Answer, view: View): readonly Buffer[] {
  if (payload.type === 'object' && payload.object.kind === 'Status') return [bytes(payload.object)];
  if (view.form === 'table') return [bytes(asTable(kind, payload, view))];
  if (view.form === 'partial') return [bytes(asPartial(kind, payload, view))];
  return asJson(kind, payload);
}

async function asProtobuf(
  { kind, payload }: Answer,
  view: View,
  kinds: Kinds,
): Promise<readonly Buffer[]> {
  const { listIdentity, messageSchema, protobufBody, protobufList, schemaOfItems } = await import(
    './protobuf-answers.ts'
  );
  const partial = view.form === 'partial';
  const shown = (object: KubeObject): JsonObject =>
    partial && (object.kind as string) !== 'Status'
      ? versioned(partialMetadata(object), view)
      : (object as unknown as JsonObject);
  if (payload.type === 'list') {
    const { entries, metadata } = payload;
    const identity = listIdentity(kind, partial ? view.version : undefined);
    const schema = schemaOfItems(kind, partial);
    const item = (index: number) => shown(served(kind, entries[index] as Entry));
    return protobufList({ ...identity, metadata, schema, length: entries.length, item });
  }
  const object = shown(objectsIn(kind, payload).objects[0] as KubeObject);
  return [protobufBody(messageSchema(kinds, kind, object), object)];
}

function asJson(kind: Kind, payload: Payload): readonly Buffer[] {
  switch (payload.type) {
    case 'entry':
      return [servedBody(kind, payload.entry)];
    case 'object':
      return [bytes(payload.object)];
    case 'bytes':
      return [listHead(kind, payload.metadata), ...payload.chunks, end];
    case 'list': {
      const parts = [listHead(kind, payload.metadata)];
      for (const entry of payload.entries) {
        if (parts.length > 1) parts.push(comma);
        parts.push(servedBody(kind, entry));
      }
      return [Buffer.concat([...parts, end])];
    }
  }
}

function listHead(kind: Kind, metadata: ListMeta): Buffer {
  const head = { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata };
  return Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`);
}

function objectsIn(kind: Kind, payload: Payload): { objects: KubeObject[]; metadata?: ListMeta } {
  switch (payload.type) {
    case 'entry':
      return { objects: [served(kind, payload.entry)] };
    case 'object':
      return { objects: [objectOf(payload.object)] };
    case 'list': {
      const objects = payload.entries.map((entry) => served(kind, entry));
      return { objects, metadata: payload.metadata };
    }
    case 'bytes':
      throw failure(500, 'InternalError', 'a list of bytes has no other form than JSON');
  }
}

function objectOf(object: KubeObject | Status): KubeObject {
  return object as KubeObject;
}

function asTable(kind: Kind, payload: Payload, view: View): unknown {
  const { objects, metadata } = objectsIn(kind, payload);
  const own = objects[0]?.metadata.resourceVersion;
  const options: TableOptions = {
    ...(metadata ?? (own === undefined ? {} : { resourceVersion: own })),
    includeObject: view.includeObject,
    now: view.now,
  };
  return versioned(tableOf(kind, objects, options), view);
}

function asPartial(kind: Kind, payload: Payload, view: View): unknown {
  const { objects, metadata } = objectsIn(kind, payload);
  const partials = objects.map((object) => versioned(partialMetadata(object), view));
  if (metadata === undefined) return partials[0];
  const apiVersion = `meta.k8s.io/${view.version}`;
  return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items: partials };
}

/** `meta.k8s.io/v1beta1` is the same in another name. */
function versioned<T extends object>(document: T, view: Accepted): T {
  return view.version === 'v1'
    ? document
    : { ...document, apiVersion: `meta.k8s.io/${view.version}` };
}

/** The same for the events of a watch; `undefined`: the objects' own bytes. */
export async function eventForm(
  kind: Kind,
  view: View,
  kinds: Kinds,
  now: () => Date,
): Promise<EventForm | undefined> {
  const { form, encoding, version } = view;
  if (encoding === 'protobuf') return protobufEvents(kind, view, kinds);
  if (form === 'whole') return undefined;
  if (form === 'partial') {
    return jsonLines((object) => versioned(partialMetadata(object), view), `partial ${version}`);
  }
  let withoutColumns = false;
  return jsonLines((object) => {
    const { resourceVersion = '' } = object.metadata;
    const options = {
      resourceVersion,
      includeObject: view.includeObject,
      now: now(),
      withoutColumns,
    };
    withoutColumns = true;
    return versioned(tableOf(kind, [object], options), view);
  });
}

async function protobufEvents(kind: Kind, view: View, kinds: Kinds): Promise<EventForm> {
  const { messageSchema, protobufBody, protobufFrame, protobufStream } = await import(
    './protobuf-answers.ts'
  );
  const partial = view.form === 'partial';
  return {
    contentType: protobufStream,
    shared: `protobuf ${view.form} ${view.version}`,
    transform: (object) => (partial ? versioned(partialMetadata(object), view) : object),
    frame: (type, object) => {
      const json = object as JsonObject;
      return protobufFrame(type, protobufBody(messageSchema(kinds, kind, json), json));
    },
  };
}
