/**
 * Answers and events in Kubernetes' protobuf. Loaded with the first client that asks for it; objects are encoded one
 * by one, with pauses for others between them.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { apiVersionOf } from '#api/resources/meta.ts';
import { failure, type Status } from '#api/resources/status.ts';
import { typeSchema } from '../schema/facts.ts';
import type { Kind, Kinds } from '../schema/kind.ts';
import {
  chunkHead,
  encodeMessage,
  encodeObject,
  envelopeAround,
} from '../schema/protobuf-encode.ts';
import type { Schema } from '../schema/schema.ts';
import type { Entry } from '../storage/entry.ts';
import type { ListMeta } from '../verbs/request.ts';
import { EncodedObjects } from './encoded-objects.ts';

type Json = Readonly<Record<string, unknown>>;

/** PartialObjectMetadata { metadata = 1 }. */
const partialSchema: Schema = {
  type: 'object',
  fields: new Map([['metadata', { schema: typeSchema('meta.v1.ObjectMeta'), protobuf: 1 }]]),
};
const statusSchema = typeSchema('meta.v1.Status');

/** The schema of an object that an answer on `kind` carries. Throws 406 if it has no message. */
export function messageSchema(kinds: Kinds, kind: Kind, object: Json): Schema {
  const { apiVersion, kind: name } = object as { apiVersion: string; kind: string };
  if (name === 'Status') return statusSchema;
  if (name === 'PartialObjectMetadata') return partialSchema;
  const found = name === kind.kind ? kind : kinds.ofObject(apiVersion, name);
  if (found === undefined || found.custom !== undefined) {
    throw failure(406, 'NotAcceptable', `${name} has no protobuf form: ask for application/json`);
  }
  return found.schema;
}

/** One object with its envelope. */
export const protobufBody = (schema: Schema, object: Json): Buffer => encodeObject(schema, object);

export const protobufStatus = (status: Status): Buffer =>
  encodeObject(statusSchema, status as unknown as Json);

/** How long a list is encoded without letting others have their turn. */
const sliceMs = 5;

const encodedObjects = new EncodedObjects();

/** The message of a stored object, or of what `shown` makes of it, which must be the same each time. */
export function storedMessage(schema: Schema, entry: Entry, shown: (entry: Entry) => Json): Buffer {
  return encodedObjects.of(entry, schema, () => encodeMessage(schema, shown(entry)));
}

/** The same in an envelope. */
export function storedBody(
  kind: Kind,
  schema: Schema,
  entry: Entry,
  shown: (entry: Entry) => Json,
): Buffer {
  encodedObjects.used();
  const message = storedMessage(schema, entry, shown);
  const { head, tail } = envelopeAround(identityOf(kind), message.length);
  return Buffer.concat([head, message, tail]);
}

const identityOf = (kind: Kind) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind });

export interface ProtobufList {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ListMeta;
  readonly schema: Schema;
  readonly entries: readonly Entry[];
  readonly shown: (entry: Entry) => Json;
}

/** Small messages are put together into parts of about this size. */
const partBytes = 256 * 1024;

/** XList { metadata = 1, items = 2 } in its envelope. */
export async function protobufList(list: ProtobufList): Promise<readonly Buffer[]> {
  const metadata = encodeMessage(typeSchema('meta.v1.ListMeta'), list.metadata as unknown as Json);
  const parts: Buffer[] = [];
  let chunks: Buffer[] = [chunkHead(1, metadata.length), metadata];
  let [bytes, length] = [0, 0];
  const put = () => {
    parts.push(Buffer.concat(chunks));
    length += parts.at(-1)?.length ?? 0;
    [chunks, bytes] = [[], 0];
  };
  encodedObjects.used();
  let until = performance.now() + sliceMs;
  for (const entry of list.entries) {
    const message = storedMessage(list.schema, entry, list.shown);
    chunks.push(chunkHead(2, message.length), message);
    bytes += message.length;
    if (bytes >= partBytes) put();
    if (performance.now() < until) continue;
    await yieldToOthers();
    until = performance.now() + sliceMs;
  }
  put();
  const { head, tail } = envelopeAround(list, length);
  return [head, ...parts, tail];
}

/** The content type of a watch's frames. */
export const protobufStream = 'application/vnd.kubernetes.protobuf;stream=watch';

const watchEvent = typeSchema('meta.v1.WatchEvent');

/** Four bytes of length, then WatchEvent { type = 1, object = 2 { raw = 1: a whole body } }, without an envelope. */
export function protobufFrame(type: string, body: Buffer): Buffer {
  const name = encodeMessage(watchEvent, { type });
  const raw = chunkHead(1, body.length);
  const object = chunkHead(2, raw.length + body.length);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(name.length + object.length + raw.length + body.length);
  return Buffer.concat([length, name, object, raw, body]);
}

/** The kind of a list of the kind's objects, or of their metadata. */
export function listIdentity(
  kind: Kind,
  partial: string | undefined,
): { apiVersion: string; kind: string } {
  if (partial === undefined) return { apiVersion: apiVersionOf(kind), kind: kind.listKind };
  return { apiVersion: `meta.k8s.io/${partial}`, kind: 'PartialObjectMetadataList' };
}

export const schemaOfItems = (kind: Kind, partial: boolean): Schema =>
  partial ? partialSchema : kind.schema;
