/**
 * A member that was killed within its first milliseconds leaves a write-ahead log without the entry that makes it
 * the member of its own cluster. etcd then starts, finds the log, and waits for ever for peers it does not know. Such a
 * log holds nothing that was ever answered for, so it is removed and the member begins anew.
 */
import { closeSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MessageReader } from './protobuf.ts';

const firstLog = '0000000000000000-0000000000000000.wal';
/** The records before the first entry (checksum, metadata, snapshot, state) take some 200 bytes. */
const headBytes = 4096;
const entryType = 2;

/** Removes the member's directory under `dataDir` (etcd's `--data-dir`) if its log holds no entry. */
export function removeUnborn(dataDir: string): void {
  const member = join(dataDir, 'member');
  if (isUnborn(join(member, 'wal'))) rmSync(member, { recursive: true });
}

function isUnborn(walDirectory: string): boolean {
  try {
    const logs = readdirSync(walDirectory).filter((name) => name.endsWith('.wal'));
    return logs.length === 1 && logs[0] === firstLog && !holdsEntry(join(walDirectory, firstLog));
  } catch {
    // No log at all, or one that cannot be understood: that is etcd's to judge.
    return false;
  }
}

/** Throws if the log's head is not as etcd writes it. */
function holdsEntry(path: string): boolean {
  const head = Buffer.alloc(headBytes);
  const file = openSync(path, 'r');
  const length = readSync(file, head, 0, headBytes, 0);
  closeSync(file);
  for (let at = 0; at + 8 <= length; ) {
    // etcd's frame: 56 bits length, then a byte that says how many bytes of padding follow (`wal/encoder.go`).
    const record = head.readUIntLE(at, 6) + (head[at + 6] ?? 0) * 2 ** 48;
    if (record === 0) return false;
    const padding = (head[at + 7] ?? 0) & 7;
    if (typeOf(head.subarray(at + 8, at + 8 + record)) === entryType) return true;
    at += 8 + record + padding;
  }
  throw new RangeError(`${path} has a longer head than expected`);
}

/** Field 1 of `walpb.Record`. */
function typeOf(record: Buffer): number {
  const reader = new MessageReader(record);
  if (!reader.next() || reader.field !== 1) throw new RangeError('not a record of a log');
  return reader.int();
}
