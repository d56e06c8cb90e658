import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { connectEtcd } from '#api/storage/etcd.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { temporaryDirectory } from '../../support/etcd.ts';
import { Recorder } from '../../support/recorder.ts';

async function open(t: Test, endpoint: string) {
  const storage = await connectEtcd({ endpoints: [endpoint] });
  t.teardown(() => storage.close());
  return storage;
}

async function start(t: Test, dataDir: string) {
  const etcd = await startEtcd({ dataDir });
  t.teardown(() => etcd.stop());
  return etcd;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The test's own timeout is the deadline. */
async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A program that starts etcd on the directory and then only waits; the pids of both. */
async function startInOtherProcess(t: Test, dataDir: string, path = process.env['PATH']) {
  const module = new URL('../../../api/storage/etcd-process.ts', import.meta.url);
  const program = `
    import { startEtcd } from ${JSON.stringify(module.href)};
    const etcd = await startEtcd({ dataDir: ${JSON.stringify(dataDir)}, binary: '/usr/bin/etcd' });
    console.log(etcd.pid);
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module-typescript', '--eval', program];
  const parent = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  t.teardown(() => parent.kill('SIGKILL'));
  for await (const line of createInterface({ input: parent.stdout })) {
    return { parent, pid: Number(line) };
  }
  throw new Error('the other process ended without starting etcd');
}

t.test('etcd answers on a socket in a directory that is closed to others', async (t) => {
  const dataDir = join(await temporaryDirectory(t), 'etcd');
  const etcd = await start(t, dataDir);
  t.equal(etcd.endpoint, `unix:${dataDir}/localhost:12379`);
  await (await open(t, etcd.endpoint)).ping();
  t.equal(statSync(dataDir).mode & 0o777, 0o700);
  await etcd.stop();
  t.notOk(isAlive(etcd.pid));
  t.notOk(existsSync(join(dataDir, 'etcd.pid')));
});

t.test('what was written is there after etcd was killed and started again', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const etcd = await start(t, dataDir);
  const storage = await open(t, etcd.endpoint);
  const watch = new Recorder(t, storage, '/', 2);
  await storage.put('/a', Buffer.from('1'), { expectedRevision: 0 });
  await watch.until(({ told }) => told.length === 1);
  process.kill(etcd.pid, 'SIGKILL');
  t.equal(await etcd.exited, 137);
  await start(t, dataDir);
  t.equal((await storage.get('/a'))?.value.toString(), '1');
  await storage.put('/b', Buffer.from('2'), { expectedRevision: 0 });
  await watch.until(({ told }) => told.length === 2);
  t.same(watch.changes, ['put /a 2 1 new', 'put /b 3 2 new']);
});

t.test('etcd ends when the process that started it is killed', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const { parent, pid } = await startInOtherProcess(t, dataDir);
  t.ok(isAlive(pid));
  parent.kill('SIGKILL');
  await ended(pid);
});

t.test('an etcd left over by a killed parent is ended before a new one starts', async (t) => {
  const dataDir = await temporaryDirectory(t);
  // Without setpriv on the PATH nothing ends it with its parent.
  const { parent, pid } = await startInOtherProcess(t, dataDir, '/nowhere');
  const gone = new Promise((resolve) => parent.once('exit', resolve));
  parent.kill('SIGKILL');
  await gone;
  t.ok(isAlive(pid), 'left over');
  const etcd = await start(t, dataDir);
  t.notOk(isAlive(pid));
  await (await open(t, etcd.endpoint)).ping();
});

t.test('a second etcd is not started on a directory on which one runs', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const { pid } = await startInOtherProcess(t, dataDir);
  await t.rejects(startEtcd({ dataDir }), { message: /already runs on/ });
  t.ok(isAlive(pid));
  t.equal(readlinkSync(`/proc/${pid}/cwd`), dataDir);
});

t.test('a pid file about a process that is not etcd here does no harm', async (t) => {
  const dataDir = await temporaryDirectory(t);
  writeFileSync(join(dataDir, 'etcd.pid'), JSON.stringify({ pid: process.pid, parent: 1 }));
  const etcd = await start(t, dataDir);
  await (await open(t, etcd.endpoint)).ping();
});

t.test('a missing program is told with what to do', async (t) => {
  const dataDir = await temporaryDirectory(t);
  const starting = startEtcd({ dataDir, binary: 'no-such-etcd' });
  await t.rejects(starting, { message: /no-such-etcd.*install the package etcd-server/ });
});

t.test('a path that is too long for a socket is refused with the limit', async (t) => {
  const dataDir = join(await temporaryDirectory(t), 'x'.repeat(100));
  await t.rejects(startEtcd({ dataDir }), { message: /107 bytes at most/ });
});
