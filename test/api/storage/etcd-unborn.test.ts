import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectEtcd } from '#api/storage/etcd.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { removeUnborn } from '#api/storage/etcd-unborn.ts';
import { temporaryDirectory } from '../../support/etcd.ts';

const firstLog = '0000000000000000-0000000000000000.wal';

/** A record as etcd frames it: length and padding, the type, something. */
function record(type: number, dataLength: number): Buffer {
  const content = Buffer.concat([
    Buffer.from([0x08, type, 0x10, 0, 0x1a, dataLength]),
    Buffer.alloc(dataLength, 9),
  ]);
  const padding = (8 - (content.length % 8)) % 8;
  const head = Buffer.alloc(8);
  head.writeUInt32LE(content.length);
  head[7] = padding === 0 ? 0 : 0x80 | padding;
  return Buffer.concat([head, content, Buffer.alloc(padding)]);
}

async function memberWith(t: Parameters<typeof temporaryDirectory>[0], logs: Map<string, Buffer>) {
  const directory = await temporaryDirectory(t);
  const wal = join(directory, 'member', 'wal');
  mkdirSync(wal, { recursive: true });
  for (const [name, bytes] of logs) {
    writeFileSync(join(wal, name), Buffer.concat([bytes, Buffer.alloc(8192)]));
  }
  return directory;
}

const head = Buffer.concat([record(4, 0), record(1, 20), record(5, 3), record(3, 7)]);
const entry = record(2, 60);

t.test('a log without an entry is removed', async (t) => {
  const directory = await memberWith(t, new Map([[firstLog, head]]));
  removeUnborn(directory);
  t.same(readdirSync(directory), []);
});

t.test('a log with an entry stays, and so does what cannot be understood', async (t) => {
  const logs: [string, Buffer][][] = [
    [[firstLog, Buffer.concat([head, entry])]],
    [[firstLog, Buffer.from('not a log of etcd at all')]],
    [[firstLog, Buffer.alloc(4096, 8)]],
    [['0000000000000001-0000000000000400.wal', head]],
    [
      [firstLog, head],
      ['0000000000000001-0000000000000400.wal', head],
    ],
  ];
  for (const each of logs) {
    const directory = await memberWith(t, new Map(each));
    removeUnborn(directory);
    t.ok(existsSync(join(directory, 'member', 'wal')));
  }
  t.doesNotThrow(() => removeUnborn('/nowhere/at/all'));
});

t.test('etcd starts again after it was killed at any moment of its first start', async (t) => {
  for (const afterMs of [5, 12, 18, 24, 30, 45]) {
    const dataDir = await temporaryDirectory(t);
    const first = await startEtcd({ dataDir });
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await startEtcd({ dataDir });
    t.teardown(() => second.stop());
    const storage = await connectEtcd({ endpoints: [second.endpoint], startTimeoutMs: 10_000 });
    await storage.ping();
    await storage.close();
    await second.stop();
  }
});
