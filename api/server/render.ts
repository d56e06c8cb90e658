/** Answers of verbs in the form the client asked for: whole, as a Table, metadata alone; JSON, YAML or protobuf. */
import type { JsonObject } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, type Status } from '#api/resources/status.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import type { Entry } from '../storage/entry.ts';
import { type ListPart, packAll } from '../storage/packed.ts';
import { type IncludeObject, partialMetadata, type TableOptions, tableOf } from '../table/table.ts';
import type { Answer, ListMeta, Payload } from '../verbs/request.ts';
import { served, servedBody } from '../verbs/served.ts';
import { type EventForm, jsonLines } from '../verbs/watch-frames.ts';
import { stitch } from './gzip.ts';
import { type Accepted, type Encoding, mediaTypes, type Offer } from './negotiation.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const comma = Buffer.from(',');
const end = Buffer.from(']}\n');

const builtInEncodings: readonly Encoding[] = ['json', 'yaml', 'protobuf'];
const customEncodings: readonly Encoding[] = ['json', 'yaml'];

/** What an answer of this verb can be sent as. */
export function offerOf(kind: Kind, verb: string, subresource: string | undefined): Offer {
  const readable = verb === 'get' || verb === 'list' || verb === 'watch';
  const isPlain = kind.custom !== undefined || kind.group === 'metrics.k8s.io';
  const encodings = isPlain ? customEncodings : builtInEncodings;
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
  /** The same as gzip, if there is a quicker way than to compress the chunks. */
  readonly gzip?: () => Promise<readonly Buffer[]>;
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
  const { kind, payload } = answer;
  const chunks = jsonOf(answer, view);
  if (payload.type !== 'bytes') return { contentType, chunks };
  const gzip = async () =>
    stitch(listHead(kind, payload.metadata), await packAll(payload.parts), end);
  return { contentType, chunks, gzip };
}

/** With the commas between them alone. */
function joined(parts: readonly ListPart[]): Buffer[] {
  return parts.map((part, at) => (at === parts.length - 1 ? part.open : part.bytes));
}

function jsonOf({ kind, payload }: Answer, view: View): readonly Buffer[] {
  if (payload.type === 'object' && payload.object.kind === 'Status') return [bytes(payload.object)];
  if (view.form === 'table') return [bytes(asTable(kind, payload, view))];
  if (view.form === 'partial') return [bytes(asPartial(kind, payload, view))];
  return asJson(kind, payload);
}

/** Loaded with the first client that asks for it, and then at hand: even a second import takes its time. */
let protobufAnswers: typeof import('./protobuf-answers.ts') | undefined;

async function asProtobuf(
  { kind, payload }: Answer,
  view: View,
  kinds: Kinds,
): Promise<readonly Buffer[]> {
  protobufAnswers ??= await import('./protobuf-answers.ts');
  const answers = protobufAnswers;
  const partial = view.form === 'partial';
  const shown = (object: KubeObject): JsonObject =>
    partial && (object.kind as string) !== 'Status'
      ? versioned(partialMetadata(object), view)
      : (object as unknown as JsonObject);
  const shownEntry = (entry: Entry): JsonObject => shown(served(kind, entry));
  if (payload.type === 'list') {
    const identity = answers.listIdentity(kind, partial ? view.version : undefined);
    const schema = answers.schemaOfItems(kind, partial);
    const { entries, metadata } = payload;
    return answers.protobufList({ ...identity, metadata, schema, entries, shown: shownEntry });
  }
  if (payload.type === 'entry' && !partial && kind.custom === undefined) {
    return [answers.storedBody(kind, kind.schema, payload.entry, shownEntry)];
  }
  const object = shown(objectsIn(kind, payload).objects[0] as KubeObject);
  return [answers.protobufBody(answers.messageSchema(kinds, kind, object), object)];
}

function asJson(kind: Kind, payload: Payload): readonly Buffer[] {
  switch (payload.type) {
    case 'entry':
      return [servedBody(kind, payload.entry)];
    case 'object':
      return [bytes(payload.object)];
    case 'bytes':
      return [listHead(kind, payload.metadata), ...joined(payload.parts), end];
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
