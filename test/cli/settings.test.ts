/** The settings a cluster starts with: ports that are free, kept, and given up when somebody else has taken them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Cluster, clusterOf } from '../../cli/cluster.ts';
import { openSettings } from '../../cli/up/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'bay-settings-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function clusterAt(name: string): Cluster {
  const place = join(folder, name);
  return clusterOf({ name, 'data-dir': join(place, 'data'), 'run-dir': join(place, 'run') });
}

function take(port: number): Promise<Server> {
  return new Promise((done) => {
    const server = createServer().listen(port, '127.0.0.1', () => done(server));
  });
}

t.test('clusters made in the same moment begin their search for ports apart', async (t) => {
  const names = Array.from({ length: 4 }, (_, i) => `same-${i}`);
  const all = await Promise.all(
    names.map((name, i) => openSettings(clusterAt(name), { port: String(20_001 + i) })),
  );
  t.ok(new Set(all.map(({ agentPort }) => agentPort)).size > 1);
  for (const { agentPort } of all) t.ok(agentPort > 10_250 && agentPort < 30_000);
});

t.test('the agent keeps its port until somebody else has it', async (t) => {
  const cluster = clusterAt('kept');
  const { agentPort, port } = await openSettings(cluster, {});
  t.equal((await openSettings(cluster, {})).agentPort, agentPort);
  const other = await take(agentPort);
  const moved = await openSettings(cluster, {});
  t.not(moved.agentPort, agentPort);
  t.equal(moved.port, port);
  const kept = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8'));
  t.equal(kept.agentPort, moved.agentPort);
  other.close();
});

t.test('the port users type is never changed behind their back', async (t) => {
  const cluster = clusterAt('typed');
  const { port } = await openSettings(cluster, {});
  const other = await take(port);
  await t.rejects(openSettings(cluster, {}), {
    message: `port ${port} is in use; choose another with --port`,
  });
  other.close();
});
