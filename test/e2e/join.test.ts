/** Another machine joins with a token: it trusts the right server alone, gets certificates, and its pods belong. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { Node } from '#api/resources/types.ts';
import { clusterOf, readSettings } from '../../cli/cluster.ts';
import { fileNames, kept } from '../../cli/join/certificates.ts';
import { renewDue } from '../../cli/join/joined-node.ts';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';
import { otherMachine } from '../support/other-machine.ts';
import { needsRoot } from '../support/scratch.ts';

needsRoot();
t.setTimeout(240_000);
const before = machine();
const cluster = await TestCluster.create();
const other = await otherMachine(join(cluster.folder, 'other-machine'));
const places = ['--name', `${cluster.name}j`]
  .concat('--data-dir', join(cluster.folder, 'joined'))
  .concat('--run-dir', join(cluster.folder, 'joined-run'));
const bay = resolve(import.meta.dirname, '../../bay');
const joined = clusterOf({
  name: `${cluster.name}j`,
  'data-dir': join(cluster.folder, 'joined'),
  'run-dir': join(cluster.folder, 'joined-run'),
});
let node: ChildProcess | undefined;
let said = '';

/** Runs `bay` on the other machine. */
function there(...args: string[]): ChildProcess {
  const child = spawn('nsenter', [`--net=${other.netns}`, bay, ...args, ...places], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece) => {
      said += piece;
    });
  return child;
}

const ended = async (child: ChildProcess): Promise<number> =>
  child.exitCode ?? ((await once(child, 'exit')) as [number])[0];

t.teardown(async () => {
  if (node !== undefined && node.exitCode === null) {
    node.kill('SIGTERM');
    await ended(node);
  }
  await ended(there('reset', '--yes'));
  await cluster.destroy();
  await other.remove();
});

let command: string[] = [];

t.test('a token is for one cluster: another server is told nothing', async (t) => {
  await cluster.up('--listen', other.here);
  const { stdout, stderr, code } = await cluster.bay('node-token', '--ttl', '1h');
  t.equal(code, 0, stderr);
  command = stdout.trim().split(' ').slice(1);
  const [, url = '', , token = ''] = command;
  t.equal(url, `https://${other.here}:${cluster.port}`);
  const foreign = token.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
  t.equal(await ended(there('join', url, '--token', foreign)), 1);
  t.match(said, /not of the cluster that the token was made for; nothing was sent/);
  const wrong = token.replace(/.{4}$/, 'aaaa');
  t.equal(await ended(there('join', url, '--token', wrong)), 1);
  t.match(said, /401 Unauthorized/);
  t.equal(await ended(there('join', url, '--token', 'short')), 2);
});

t.test('with its token a machine becomes a node', async (t) => {
  node = there(...command, '--node-name', 'joined-1');
  const ready = await waitFor('the node to be ready', async () => {
    if (node?.exitCode !== null) throw new Error(said);
    const { stdout } = await cluster.bay('get', 'node', 'joined-1', '-o', 'json');
    const found = stdout === '' ? undefined : (JSON.parse(stdout) as Node);
    const is = found?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    return is === 'True' ? found : undefined;
  });
  t.match(ready.spec?.podCIDR, /^10\.\d+\.\d+\.0\/24$/);
  t.match(ready.status?.addresses, [{ type: 'InternalIP', address: other.there }]);
});

t.test('its pods reach the others by name, and are reached through the API', async (t) => {
  const path = join(cluster.folder, 'pod.yaml');
  const pod = (name: string, on: string, script: string) => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  ${on}
  terminationGracePeriodSeconds: 0
  containers:
    - { name: main, image: "bayplan.local/busybox:latest", command: [sh, -c, "${script}"] }
`;
  const nodes = await cluster.bay('get', 'nodes', '-o', 'json');
  const names = (JSON.parse(nodes.stdout) as { items: Node[] }).items.map(
    (one) => one.metadata.name,
  );
  const first = names.find((name) => name !== 'joined-1') ?? '';
  const service = 'spec: { selector: { app: far }, ports: [{ port: 80 }] }';
  writeFileSync(
    path,
    `apiVersion: v1\nkind: Service\nmetadata: { name: far }\n${service}\n` +
      pod('far', `nodeName: ${first}`, 'mkdir /w; echo from-afar >/w/index.html; httpd -f -h /w') +
      pod('near', 'nodeName: joined-1', 'while :; do wget -qO- http://far; sleep 0.2; done'),
  );
  const applied = await cluster.bay('apply', '-f', path);
  t.equal(applied.code, 0, applied.stderr);
  await waitFor('the pod of the other machine to be answered', async () => {
    const { stdout } = await cluster.bay('logs', 'pod/near');
    return stdout.includes('from-afar') ? true : undefined;
  });
});

t.test('its certificates are renewed with what is still valid', async (t) => {
  const settings = readSettings(joined);
  if (settings === undefined) throw new Error('no settings');
  const place = {
    server: new URL(`https://${other.here}:${cluster.port}`),
    ca: readFileSync(join(joined.pki, 'ca.crt'), 'utf8'),
  };
  const options = { cluster: joined, settings, place };
  const first = await kept(joined.pki, fileNames.client);
  t.equal(await renewDue(options), false, 'not due');
  const day = 24 * 3_600_000;
  t.equal(await renewDue(options, Date.now() + 70 * day), true, 'two thirds are over');
  t.not((await kept(joined.pki, fileNames.client))?.certificate, first?.certificate);
  await t.rejects(renewDue(options, Date.now() + 100 * day), /has expired: join again/);
});

t.test('it goes on in the background, leaves, and nothing is left on either', async (t) => {
  node?.kill('SIGTERM');
  t.equal(node === undefined ? 1 : await ended(node), 0, said);
  const [, url = ''] = command;
  const background = there('join', url, '--detach');
  t.equal(await ended(background), 0, said);
  t.match(said, /joined-1 of https:.* runs at[\s\S]*running in the background/);
  t.equal(await ended(there('down')), 0, said);
  t.equal(said, "stopped; the node's containers go on\n");
  t.equal(await ended(there('reset', '--yes')), 0, said);
  t.equal(await cluster.interrupt(), 0, cluster.output);
  await other.remove();
  t.strictSame(await leftOver(before), {});
});
