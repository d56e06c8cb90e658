/**
 * The etcd messages we send and read, with the field numbers of etcd's `rpc.proto` and `kv.proto` (the same from 3.4
 * to 3.6). Requests come with their gRPC frame header.
 */
import { MessageReader, MessageWriter } from './protobuf.ts';

export const methods = {
  range: '/etcdserverpb.KV/Range',
  txn: '/etcdserverpb.KV/Txn',
  compact: '/etcdserverpb.KV/Compact',
  watch: '/etcdserverpb.Watch/Watch',
  leaseGrant: '/etcdserverpb.Lease/LeaseGrant',
  status: '/etcdserverpb.Maintenance/Status',
} as const;

export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface RangeRequest {
  readonly key: Buffer;
  /** Exclusive; absent: the one key. */
  readonly end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
}

export interface RangeResponse {
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

export function encodeRange(request: RangeRequest): Buffer {
  const writer = new MessageWriter(request.key.length * 2);
  writeRange(writer, request);
  return writer.frame();
}

export type TxnWrite =
  | { readonly value: Buffer; readonly lease: number }
  /** Delete. */
  | undefined;

/** If the key's mod_revision is `expected`, then put or delete it, else read it. */
export function encodeTxn(key: Buffer, expected: number, write: TxnWrite): Buffer {
  const writer = new MessageWriter(key.length * 3 + (write?.value.length ?? 0) + 64);
  writer.message(1, (compare) =>
    compare.uint(2, compareTarget.mod).bytes(3, key).uintOrZero(6, expected),
  );
  writer.message(2, (success) => {
    if (write === undefined) success.message(3, (request) => request.bytes(1, key));
    else {
      success.message(2, (request) =>
        request.bytes(1, key).bytes(2, write.value).uint(3, write.lease),
      );
    }
  });
  writer.message(3, (failure) => failure.message(1, (request) => request.bytes(1, key)));
  return writer.frame();
}

const compareTarget = { mod: 2 } as const;

export interface TxnResponse {
  readonly revision: number;
  readonly succeeded: boolean;
  /** What the range of the else branch found. */
  readonly found: KeyValue | undefined;
}

export function decodeTxn(bytes: Buffer): TxnResponse {
  const response = { revision: 0, succeeded: false, found: undefined as KeyValue | undefined };
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) response.revision = headerRevision(reader.bytes());
    else if (reader.field === 2) response.succeeded = reader.int() !== 0;
    else if (reader.field === 3) response.found ??= foundIn(reader.bytes());
    else reader.skip();
  }
  return response;
}

export function decodeRange(bytes: Buffer): RangeResponse {
  const kvs: KeyValue[] = [];
  let revision = 0;
  let more = false;
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) revision = headerRevision(reader.bytes());
    else if (reader.field === 2) kvs.push(decodeKeyValue(reader.bytes()));
    else if (reader.field === 3) more = reader.int() !== 0;
    else reader.skip();
  }
  return { revision, kvs, more };
}

/** A watch that tells its progress and may cut large answers into fragments. */
export function encodeWatchCreate(key: Buffer, end: Buffer | undefined, from: number): Buffer {
  const writer = new MessageWriter(key.length * 2);
  writer.message(1, (create) => {
    create.bytes(1, key);
    if (end !== undefined) create.bytes(2, end);
    create.uint(3, from).uint(4, 1).uint(8, 1);
  });
  return writer.frame();
}

export function encodeWatchProgress(): Buffer {
  return new MessageWriter().message(3, () => {}).frame();
}

export interface WatchEvent {
  readonly deleted: boolean;
  readonly kv: KeyValue;
}

export interface WatchResponse {
  /** The store's revision; with neither `created` nor events: how far the watch is. */
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of the same answer follows. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

export function decodeWatch(bytes: Buffer): WatchResponse {
  const response = {
    revision: 0,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events: [] as WatchEvent[],
  };
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) response.revision = headerRevision(reader.bytes());
    else if (reader.field === 3) response.created = reader.int() !== 0;
    else if (reader.field === 4) response.canceled = reader.int() !== 0;
    else if (reader.field === 5) response.compactRevision = reader.int();
    else if (reader.field === 6) response.cancelReason = reader.text();
    else if (reader.field === 7) response.fragment = reader.int() !== 0;
    else if (reader.field === 11) response.events.push(decodeEvent(reader.bytes()));
    else reader.skip();
  }
  return response;
}

export function encodeLeaseGrant(id: number, ttlSeconds: number): Buffer {
  return new MessageWriter().uint(1, ttlSeconds).uint(2, id).frame();
}

/** `physical`: answers when the history is gone from the disk too. */
export function encodeCompact(revision: number, physical: boolean): Buffer {
  return new MessageWriter().uint(1, revision).uint(2, Number(physical)).frame();
}

export const emptyMessage: Buffer = new MessageWriter(0).frame();

export interface StatusResponse {
  /** `3.4.23` */
  readonly version: string;
  readonly sizeBytes: number;
  readonly inUseBytes: number;
  /** Alarms and lack of a leader. */
  readonly errors: readonly string[];
}

export function decodeStatus(bytes: Buffer): StatusResponse {
  const status = { version: '', sizeBytes: 0, inUseBytes: 0, errors: [] as string[] };
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 2) status.version = reader.text();
    else if (reader.field === 3) status.sizeBytes = reader.int();
    else if (reader.field === 8) status.errors.push(reader.text());
    else if (reader.field === 9) status.inUseBytes = reader.int();
    else reader.skip();
  }
  return status;
}

function writeRange(writer: MessageWriter, { key, end, limit, revision }: RangeRequest): void {
  writer.bytes(1, key);
  if (end !== undefined) writer.bytes(2, end);
  writer.uint(3, limit ?? 0).uint(4, revision ?? 0);
}

function headerRevision(header: Buffer): number {
  const reader = new MessageReader(header);
  while (reader.next()) {
    if (reader.field === 3) return reader.int();
    reader.skip();
  }
  return 0;
}

function decodeKeyValue(bytes: Buffer): KeyValue {
  let key: Buffer = noBytes;
  let value: Buffer = noBytes;
  let createRevision = 0;
  let modRevision = 0;
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) createRevision = reader.int();
    else if (reader.field === 3) modRevision = reader.int();
    else if (reader.field === 5) value = reader.bytes();
    else reader.skip();
  }
  return { key, value, createRevision, modRevision };
}

const noBytes = Buffer.alloc(0);

/** The first key of a ResponseOp that holds a range response. */
function foundIn(responseOp: Buffer): KeyValue | undefined {
  const reader = new MessageReader(responseOp);
  while (reader.next()) {
    if (reader.field === 1) return decodeRange(reader.bytes()).kvs[0];
    reader.skip();
  }
  return undefined;
}

function decodeEvent(bytes: Buffer): WatchEvent {
  let deleted = false;
  let kv: KeyValue | undefined;
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) deleted = reader.int() !== 0;
    else if (reader.field === 2) kv = decodeKeyValue(reader.bytes());
    else reader.skip();
  }
  return { deleted, kv: kv ?? decodeKeyValue(noBytes) };
}
