/** The etcd calls the storage is made of, typed; reads are repeated while etcd is away, writes never. */
import { setTimeout as pause } from 'node:timers/promises';
import { isPassing } from './etcd-errors.ts';
import {
  decodeRange,
  decodeStatus,
  decodeTxn,
  emptyMessage,
  encodeCompact,
  encodeLeaseGrant,
  encodeRange,
  encodeTxn,
  methods,
  type RangeRequest,
  type RangeResponse,
  type StatusResponse,
  type TxnResponse,
  type TxnWrite,
} from './etcd-messages.ts';
import { GrpcChannel } from './grpc.ts';
import type { ConnectionOptions } from './grpc-connection.ts';

export interface EtcdClientOptions extends ConnectionOptions {
  /** How long one call, with all repetitions of a read, may take. */
  readonly requestTimeoutMs?: number;
}

/** etcd's own `--request-timeout` is 5 s plus twice the election timeout. */
const requestTimeoutMsDefault = 10_000;
const repeatPauseMs = 20;

export class EtcdClient {
  readonly channel: GrpcChannel;
  readonly #timeoutMs: number;

  constructor({ requestTimeoutMs, ...options }: EtcdClientOptions) {
    this.channel = new GrpcChannel(options);
    this.#timeoutMs = requestTimeoutMs ?? requestTimeoutMsDefault;
  }

  /** Linearizable unless a revision is given. Rejects with `GrpcError`, as all of these. */
  async range(request: RangeRequest): Promise<RangeResponse> {
    return decodeRange(await this.#read(methods.range, encodeRange(request)));
  }

  /** If the key's mod_revision is `expected`, puts or deletes it; else tells what stands. */
  async txn(key: Buffer, expected: number, write: TxnWrite): Promise<TxnResponse> {
    const frame = encodeTxn(key, expected, write);
    return decodeTxn(await this.channel.unary(methods.txn, frame, this.#timeoutMs));
  }

  async compact(revision: number): Promise<void> {
    await this.channel.unary(methods.compact, encodeCompact(revision, false), this.#timeoutMs);
  }

  async leaseGrant(id: number, ttlSeconds: number): Promise<void> {
    const frame = encodeLeaseGrant(id, ttlSeconds);
    await this.channel.unary(methods.leaseGrant, frame, this.#timeoutMs);
  }

  /** Of the member at hand; not repeated. */
  async status(timeoutMs = this.#timeoutMs): Promise<StatusResponse> {
    return decodeStatus(await this.channel.unary(methods.status, emptyMessage, timeoutMs));
  }

  async #read(method: string, frame: Buffer): Promise<Buffer> {
    const deadline = Date.now() + this.#timeoutMs;
    for (;;) {
      try {
        return await this.channel.unary(method, frame, Math.max(1, deadline - Date.now()));
      } catch (error) {
        if (!isPassing(error) || Date.now() + repeatPauseMs >= deadline) throw error;
        await pause(repeatPauseMs);
      }
    }
  }
}
