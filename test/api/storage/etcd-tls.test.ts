import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { ensurePki } from '#api/pki/pki.ts';
import { connectEtcd } from '#api/storage/etcd.ts';
import { openMaintenance } from '#api/storage/maintenance.ts';
import { temporaryDirectory } from '../../support/etcd.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const directory = await temporaryDirectory(t);
const pki = join(directory, 'pki');
await ensurePki({ dir: pki, nodeNames: [], hosts: [] });
const [clientPort, peerPort] = [await freePort(), await freePort()];
const endpoint = `https://127.0.0.1:${clientPort}`;
const peer = `http://127.0.0.1:${peerPort}`;
const flags = {
  'data-dir': join(directory, 'data'),
  'listen-client-urls': endpoint,
  'advertise-client-urls': endpoint,
  'listen-peer-urls': peer,
  'initial-advertise-peer-urls': peer,
  'initial-cluster': `default=${peer}`,
  'cert-file': join(pki, 'api-server.crt'),
  'key-file': join(pki, 'api-server.key'),
  'trusted-ca-file': join(pki, 'ca.crt'),
  'client-cert-auth': 'true',
  'log-level': 'error',
};
const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
const etcd = spawn('etcd', args, { stdio: 'ignore' });
t.teardown(async () => {
  const gone = new Promise((resolve) => etcd.once('exit', resolve));
  etcd.kill('SIGKILL');
  await gone;
});

const ca = readFileSync(join(pki, 'ca.crt'));
const identity = {
  cert: readFileSync(join(pki, 'admin.crt')),
  key: readFileSync(join(pki, 'admin.key')),
};

t.test('an etcd of others is reached over TLS with a client certificate', async (t) => {
  const storage = await connectEtcd({ endpoints: [endpoint], tls: { ca, ...identity } });
  t.teardown(() => storage.close());
  const result = await storage.put('/a', Buffer.from('1'), { expectedRevision: 0 });
  t.ok(result.written);
  const maintenance = await openMaintenance({ endpoints: [endpoint], tls: { ca, ...identity } });
  t.teardown(() => maintenance.close());
  t.same(await maintenance.alarms(), []);
});

t.test('without the client certificate, or with another CA, it is Unavailable', async (t) => {
  for (const [tls, why] of [
    [{ ca }, /closed the connection|certificate/],
    [identity, /unable to verify|self.signed/],
  ] as const) {
    const connecting = connectEtcd({ endpoints: [endpoint], tls, startTimeoutMs: 1000 });
    await t.rejects(connecting, { name: 'Unavailable', message: why });
  }
});
