/** Services as clients meet them: real packets between network namespaces. Needs root. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { listFlows } from '#native/conntrack.ts';
import { end, serviceAddress } from '../../../support/pod-network.ts';
import { service, slice } from '../../../support/service-documents.ts';
import { ask, askUntil, ServiceWorld } from '../../../support/service-world.ts';
import { testAffinity } from './affinity.ts';
import { testHealthChecks, testHints, testSourceRanges } from './balanced.ts';

const world = new ServiceWorld();
t.teardown(() => world.close());
await world.start();
const [one, two, client] = await Promise.all([
  world.server('one'),
  world.server('two'),
  world.network.attach('client'),
]);
/** Which of the node's addresses stands for it is the kernel's choice: a machine has more than this network's. */
const isOfNode = (address: string): boolean =>
  // Not `networkInterfaces()`: another cluster's bridge whose pods have gone has an address, too, but no carrier.
  new RegExp(`-- ${address}\\n +/32 host LOCAL`).test(readFileSync('/proc/net/fib_trie', 'utf8'));
const from = client.netnsPath;
/** An address of the client that is none of the cluster's: with it, it is somebody outside. */
function stranger(): string {
  const address = '198.18.77.2';
  const ip = ['busybox', 'ip'];
  execFileSync('nsenter', [`--net=${from}`, ...ip, 'addr', 'add', `${address}/32`, 'dev', 'eth0']);
  const [program = '', ...words] = [...ip, 'route'];
  const way = execFileSync(program, [...words, 'get', client.ip], { encoding: 'utf8' });
  const link = /dev (\S+)/.exec(way)?.[1] ?? '';
  execFileSync(program, [...words, 'add', `${address}/32`, 'dev', link]);
  return address;
}

const tcp = [{ port: 8000, targetPort: 80 }];

async function many(count: number, to: string, inside?: string): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => ask(to, inside)));
}

t.test('a pod reaches a Service, and its endpoints see the pod', async (t) => {
  const places = [{ ip: one.ip }, { ip: two.ip }];
  world.apply(
    service('web', { clusterIP: serviceAddress(1), ports: tcp }),
    slice('web', places, tcp),
  );
  await askUntil(`${serviceAddress(1)}:8000`, /^(one|two) /, from);
  const answers = await many(12, `${serviceAddress(1)}:8000`, from);
  t.strictSame([...new Set(answers)].sort(), [`one ${client.ip}`, `two ${client.ip}`]);
  const atHome = await many(12, `${serviceAddress(1)}:8000`);
  t.strictSame([...new Set(atHome.map((text) => text.split(' ')[0]))].sort(), ['one', 'two']);
});

t.test('a pod reaches itself through its Service', async (t) => {
  world.apply(
    service('self', { clusterIP: serviceAddress(2), ports: tcp }),
    slice('self', [{ ip: one.ip }], tcp),
  );
  const answer = await askUntil(`${serviceAddress(2)}:8000`, /^one /, one.netnsPath);
  t.ok(isOfNode(answer.replace('one ', '')), `behind the address of the node: ${answer}`);
});

t.test(
  'only endpoints that are ready get requests; those that end, when there is no other',
  async (t) => {
    const to = `${serviceAddress(3)}:8000`;
    const ending = { ip: two.ip, ready: false, serving: true, terminating: true };
    world.apply(
      service('ready', { clusterIP: serviceAddress(3), ports: tcp }),
      slice('ready', [{ ip: one.ip }, ending], tcp),
    );
    await askUntil(to, /^one /, from);
    t.ok((await many(8, to, from)).every((text) => text.startsWith('one')));
    world.apply(slice('ready', [{ ip: one.ip, ready: false }, ending], tcp));
    await askUntil(to, /^two /, from);
    world.apply(slice('ready', [], tcp));
    t.equal(await askUntil(to, /^error/, from), 'error ECONNREFUSED', 'none: refused at once');
    t.equal(await ask(to), 'error ECONNREFUSED', 'by the node too');
  },
);

t.test('a node port is open at every address of the node', async (t) => {
  const ports = [{ port: 80, nodePort: 31_981 }];
  world.apply(
    service('port', { type: 'NodePort', clusterIP: serviceAddress(4), ports }),
    slice('port', [{ ip: one.ip }], ports),
  );
  const gateway = world.network.gateway;
  for (const answer of [
    await askUntil(`${gateway}:31981`, /^one /, from),
    await askUntil('127.0.0.1:31981', /^one /),
  ]) {
    t.ok(isOfNode(answer.replace('one ', '')), answer);
  }
  t.equal(await ask('127.0.0.1:31982'), 'error ECONNREFUSED');
  world.apply(
    service('port', { type: 'ClusterIP', clusterIP: serviceAddress(4), ports: [{ port: 80 }] }),
  );
  t.equal(await askUntil('127.0.0.1:31981', /^error/), 'error ECONNREFUSED', 'closed again');
});

t.test('traffic policies: local endpoints alone, and they see who asks', async (t) => {
  const ports = [{ port: 80, nodePort: 31_983 }];
  const local = { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' };
  const elsewhere = { ip: two.ip, node: 'node-2' };
  world.apply(
    service('local', { type: 'NodePort', clusterIP: serviceAddress(5), ports, ...local }),
    slice('local', [{ ip: one.ip }, elsewhere], ports),
  );
  await askUntil(`${serviceAddress(5)}:80`, /^one /, from);
  t.ok((await many(8, `${serviceAddress(5)}:80`, from)).every((text) => text.startsWith('one')));
  const outside = stranger();
  const port = `${world.network.gateway}:31983`;
  const seen = await Promise.all(Array.from({ length: 8 }, () => ask(port, from, 5_000, outside)));
  t.strictSame([...new Set(seen)], [`one ${outside}`]);
  world.apply(slice('local', [elsewhere], ports));
  t.equal(await askUntil(`${serviceAddress(5)}:80`, /^error/, from), 'error ECONNREFUSED');
  t.equal(await ask(port, from, 400, outside), 'error TIMEOUT', 'dropped');
  t.equal(await ask('127.0.0.1:31983', undefined, 400), 'error TIMEOUT', 'cannot leave the node');
  t.equal(await ask(port, from), `two ${client.ip}`, 'pods are led to all');
  t.match(await ask(port), /^two /, 'and so is the node');
  world.apply(slice('local', [], ports));
  t.equal(await askUntil(port, /^error/, from), 'error ECONNREFUSED');
});

testAffinity(t, world, { one, two, client });
testSourceRanges(t, world, { one, two, client });
testHealthChecks(t, world, { one, two, client });
testHints(t, world, { one, two, client });

t.test('a pod with a host port is reached at the node, until it is gone', async (t) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name: 'one', uid: 'one', resourceVersion: '900001' },
    spec: {
      containers: [
        {
          name: 'c',
          ports: [
            { containerPort: 80, hostPort: 31_984 },
            { containerPort: 80, hostPort: 31_985, hostIP: '127.0.0.1' },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIP: one.ip },
  } as unknown as Pod;
  world.apply(pod);
  t.equal(await askUntil(`${world.network.gateway}:31984`, /^one /, from), `one ${client.ip}`);
  t.match(await ask('127.0.0.1:31984'), /^one /);
  t.match(await ask('127.0.0.1:31985'), /^one /);
  t.equal(
    await ask(`${world.network.gateway}:31985`, from),
    'error ECONNREFUSED',
    'one address only',
  );
  world.remove(pod);
  t.equal(await askUntil('127.0.0.1:31984', /^error/), 'error ECONNREFUSED');
});

t.test('UDP goes to another endpoint when the first is gone, in the same flow', async (t) => {
  const ports = [{ port: 53, targetPort: 80, protocol: 'UDP' }];
  world.apply(
    service('udp', { clusterIP: serviceAddress(7), ports }),
    slice('udp', [{ ip: one.ip }], ports),
  );
  const program = `
    const s = require('node:dgram').createSocket('udp4');
    s.on('message', (m) => console.log(String(m)));
    s.on('error', () => {});
    s.bind(0, () => { s.connect(53, '${serviceAddress(7)}'); setInterval(() => s.send('?', () => {}), 20); });`;
  const child = spawn('nsenter', [`--net=${from}`, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  child.stdout.on('data', (data) => {
    last = String(data).trim().split('\n').at(-1) ?? '';
  });
  const until = async (name: string) => {
    const deadline = Date.now() + 60_000;
    while (last !== name) {
      if (Date.now() > deadline) throw new Error(`the last answer is of '${last}', not '${name}'`);
      await delay(10);
    }
  };
  try {
    await until('one');
    world.apply(slice('udp', [{ ip: two.ip }], ports));
    await until('two');
    const flows = await listFlows(0x8000_0000, 0x8000_0000);
    t.notOk(flows.some(({ protocol, reply }) => protocol === 17 && reply.source === one.ip));
  } finally {
    await end(child);
  }
});

t.test('the loopback of the node is closed to pods, but a Service may lead there', async (t) => {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.end('loopback'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const ports = [{ port: 443, targetPort: port }];
  world.apply(
    service('kubernetes', { clusterIP: serviceAddress(8), ports }),
    slice('kubernetes', [{ ip: '127.0.0.1', node: '' }], ports),
  );
  t.equal(await askUntil(`${serviceAddress(8)}:443`, /loopback/, from), 'loopback');
  execFileSync('nsenter', [
    `--net=${from}`,
    'busybox',
    'ip',
    'route',
    'add',
    '127.0.0.9',
    'via',
    world.network.gateway,
  ]);
  t.match(await ask(`127.0.0.9:${port}`, from, 400), /^error/);
});

t.test('Services go on while the agent is away, and the next one takes them over', async (t) => {
  await world.restart();
  t.match(await ask(`${serviceAddress(1)}:8000`, from), /^(one|two) /);
  t.strictSame(world.warnings, []);
});

t.test('what others do to the table is put right', async (t) => {
  execFileSync('nft', ['flush', 'ruleset']);
  await askUntil(`${serviceAddress(1)}:8000`, /^(one|two) /, from);
  t.match(world.warnings.join(), /changed by others/);
});
