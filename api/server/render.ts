/** Answers of verbs in the form the client asked for: JSON, a Table, metadata alone. */
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, type Status } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import { type IncludeObject, partialMetadata, type TableOptions, tableOf } from '../table/table.ts';
import type { Answer, ListMeta, Payload } from '../verbs/request.ts';
import { served, servedBody } from '../verbs/served.ts';
import type { EventObject } from '../verbs/watch-frames.ts';
import type { Accepted, Form } from './negotiation.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const comma = Buffer.from(',');
const end = Buffer.from(']}\n');

/** The forms that an answer of this verb can be sent in. */
export function formsOf(kind: Kind, verb: string, subresource: string | undefined): Form[] {
  const readable = verb === 'get' || verb === 'list' || verb === 'watch';
  if (kind.virtual || (subresource !== undefined && !readable)) return ['json'];
  return ['json', 'table', 'partial'];
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

/** The answer's body, in parts. */
export function render({ kind, payload }: Answer, view: View): readonly Buffer[] {
  if (payload.type === 'object' && payload.object.kind === 'Status') return [bytes(payload.object)];
  if (view.form === 'table') return [bytes(asTable(kind, payload, view))];
  if (view.form === 'partial') return [bytes(asPartial(kind, payload, view))];
  return asJson(kind, payload);
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

/** The same for the events of a watch; `undefined`: the objects as they are. */
export function eventObject(kind: Kind, view: View, now: () => Date): EventObject | undefined {
  if (view.form === 'json') return undefined;
  if (view.form === 'partial') return (object) => versioned(partialMetadata(object), view);
  let withoutColumns = false;
  return (object) => {
    const { resourceVersion = '' } = object.metadata;
    const options = {
      resourceVersion,
      includeObject: view.includeObject,
      now: now(),
      withoutColumns,
    };
    withoutColumns = true;
    return versioned(tableOf(kind, [object], options), view);
  };
}
