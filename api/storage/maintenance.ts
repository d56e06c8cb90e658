/**
 * Administration of an etcd: backup, defragmentation, alarms. Rare and off every hot path, so it uses the typed API of
 * the `etcd3` package, which is loaded when first asked for (0.19 s, why: docs/decisions/0001-etcd-transport.md).
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Etcd3, IOptions, ISnapshotResponse } from 'etcd3';
import type { ConnectionOptions, TlsMaterial } from './grpc-connection.ts';
import { Unavailable } from './storage.ts';

export interface Alarm {
  readonly member: string;
  /** `Nospace`: the quota is used up, writes are refused. `Corrupt`: the members' data differ. */
  readonly kind: string;
}

/** Administration of one etcd; to be closed. Where nothing else is said, failed calls reject with `Unavailable`. */
export interface Maintenance {
  /**
   * Writes a consistent copy of the whole store to `path`, as `etcdctl snapshot save` does: `etcdctl snapshot restore`
   * takes it. The file appears only when it is whole, its checksum verified and on disk. Resolves with its size.
   * Rejects with the file system's error if it cannot be written.
   */
  snapshot(path: string): Promise<{ bytes: number }>;
  /** Gives disk space that compaction freed back; the member does not answer meanwhile. */
  defragment(): Promise<void>;
  alarms(): Promise<Alarm[]>;
  /** Takes all alarms back, after their causes are gone. */
  disarm(): Promise<void>;
  close(): void;
}

/** Loads `etcd3` and connects when first used. */
export async function openMaintenance(
  options: Pick<ConnectionOptions, 'endpoints' | 'tls'>,
): Promise<Maintenance> {
  const { AlarmAction, Etcd3: Client } = await import('etcd3');
  const client = new Client(clientOptions(options));
  return {
    snapshot: (path) => saveSnapshot(client, path),
    defragment: async () => {
      await ask('defragmenting', client.maintenance.defragment());
    },
    alarms: async () => {
      const request = { action: AlarmAction.Get };
      const { alarms } = await ask('reading the alarms', client.maintenance.alarm(request));
      return alarms.map(({ memberID, alarm }) => ({ member: memberID, kind: alarm }));
    },
    disarm: async () => {
      const request = { action: AlarmAction.Deactivate };
      await ask('disarming', client.maintenance.alarm(request));
    },
    close: () => client.close(),
  };
}

function clientOptions({ endpoints, tls }: Pick<ConnectionOptions, 'endpoints' | 'tls'>): IOptions {
  return {
    hosts: [...endpoints],
    ...(tls?.ca === undefined ? {} : { credentials: credentialsOf(tls) }),
  };
}

function credentialsOf({ ca, cert, key }: TlsMaterial): NonNullable<IOptions['credentials']> {
  return {
    rootCertificate: Buffer.from(ca ?? ''),
    ...(key === undefined ? {} : { privateKey: Buffer.from(key) }),
    ...(cert === undefined ? {} : { certChain: Buffer.from(cert) }),
  };
}

async function ask<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    throw new Unavailable(`${what}: etcd did not answer: ${String(cause)}`, { cause });
  }
}

async function saveSnapshot(client: Etcd3, path: string): Promise<{ bytes: number }> {
  const partial = `${path}.part`;
  const file = await open(partial, 'wx', 0o600);
  try {
    const bytes = await receiveSnapshot(client, file);
    await file.sync();
    await file.close();
    await rename(partial, path);
    await syncDirectory(dirname(path));
    return { bytes };
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
}

/** etcd sends the database in pieces and last its SHA-256, which `etcdctl` keeps at the end of the file. */
async function receiveSnapshot(client: Etcd3, file: FileHandle): Promise<number> {
  const hash = createHash('sha256');
  let held: Buffer = Buffer.alloc(0);
  let bytes = 0;
  for await (const piece of await snapshotPieces(client)) {
    await file.write(piece);
    bytes += piece.length;
    held = Buffer.concat([held, piece]);
    const known = Math.max(0, held.length - sha256Length);
    hash.update(held.subarray(0, known));
    held = held.subarray(known);
  }
  if (bytes <= sha256Length || !hash.digest().equals(held)) {
    throw new Unavailable(
      `the snapshot etcd sent is not whole: after ${bytes} bytes its checksum is wrong`,
    );
  }
  return bytes;
}

const sha256Length = 32;

async function* snapshotPieces(client: Etcd3): AsyncGenerator<Buffer, void, undefined> {
  try {
    // A stream of Node's, though etcd3 declares no more of it than `on`.
    const stream: unknown = await client.maintenance.snapshot();
    for await (const { blob } of stream as AsyncIterable<ISnapshotResponse>) yield blob;
  } catch (cause) {
    throw new Unavailable(`reading a snapshot: etcd did not answer: ${String(cause)}`, { cause });
  }
}

/** So that the new name is on disk too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
