/** Balanced addresses with real packets: who may come to them, and what balancers ask at the health check's port. */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Node, Service } from '#api/resources/types.ts';
import { listElements } from '#native/nftables.ts';
import { decodeElement, setNames } from '#node-agent/network/services/set-schema.ts';
import { serviceAddress } from '../../../support/pod-network.ts';
import { nodeName, service, slice } from '../../../support/service-documents.ts';
import { ask, askUntil, type ServiceWorld } from '../../../support/service-world.ts';

interface Place {
  readonly ip: string;
  readonly netnsPath: string;
}

export interface Parties {
  readonly one: Place;
  readonly two: Place;
  readonly client: Place;
}

const balancedIp = serviceAddress(48);

function balanced(name: string, spec: Record<string, unknown>): Service {
  const status = {
    loadBalancer: { ingress: [{ ip: balancedIp }, { ip: serviceAddress(49), ipMode: 'Proxy' }] },
  };
  return { ...service(name, { type: 'LoadBalancer', ...spec }), status } as unknown as Service;
}

let nodeVersion = 990_000;

/** The node that the world is, in a zone. */
const ownNode = (zone: string, address: string): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      resourceVersion: String(nodeVersion++),
      labels: { 'topology.kubernetes.io/zone': zone },
    },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }) as unknown as Node;

/** What is in the maps and sets of the world's table, one a line. */
async function elementsOf(world: ServiceWorld): Promise<Set<string>> {
  const table = world.network.table.policyTable.replace(/-policy$/, '');
  const all = setNames.map(async (set) =>
    (await listElements(table, set)).map((one) => `${set} ${decodeElement(set, one).join(' > ')}`),
  );
  return new Set((await Promise.all(all)).flat());
}

export function testSourceRanges(
  t: Test,
  world: ServiceWorld,
  { one, two, client }: Parties,
): void {
  const ports = [{ port: 8000, targetPort: 80, nodePort: 31_990 }];
  const to = `${balancedIp}:8000`;
  const ranged = (...loadBalancerSourceRanges: string[]) =>
    balanced('ranged', { clusterIP: serviceAddress(40), ports, loadBalancerSourceRanges });

  t.test(
    'the addresses of the status are served, those of a balancer that asks node ports not',
    async (t) => {
      world.apply(
        balanced('ranged', { clusterIP: serviceAddress(40), ports }),
        slice('ranged', [{ ip: one.ip }], ports),
      );
      await askUntil(to, /^one /, client.netnsPath);
      t.match(await ask(`${serviceAddress(49)}:8000`, client.netnsPath, 400), /^error/);
    },
  );

  t.test('source ranges: who is in none is dropped, at that address alone', async (t) => {
    world.apply(ranged(`${two.ip}/32`, '203.0.113.0/24'));
    await askUntil(to, /TIMEOUT/, client.netnsPath);
    t.match(await ask(to, two.netnsPath), /^one /, 'one that is in a range');
    t.match(
      await ask(`${serviceAddress(40)}:8000`, client.netnsPath),
      /^one /,
      'the address of the cluster',
    );
    t.match(await ask(`${world.network.gateway}:31990`, client.netnsPath), /^one /, 'a node port');
    world.apply(ranged(`${client.ip}/30`));
    await askUntil(to, /^one /, client.netnsPath);
    world.apply(ranged('203.0.113.0/24', '10.0.0.0/8'));
    await askUntil(to, /^one /, two.netnsPath);
    world.apply(ranged('203.0.113.0/24'));
    await askUntil(to, /TIMEOUT/, two.netnsPath);
    t.match(await ask(to, undefined, 400), /TIMEOUT/, 'the node itself is no exception');
  });

  t.test('a change of a range is that one element, whatever else is there', async (t) => {
    world.apply(ranged('128.0.0.0/1', `${client.ip}/32`));
    await askUntil(to, /^one /, client.netnsPath);
    const before = await elementsOf(world);
    world.apply(ranged('128.0.0.0/1', `${client.ip}/32`, `${two.ip}/32`));
    await askUntil(to, /^one /, two.netnsPath);
    const added = [...(await elementsOf(world))].filter((element) => !before.has(element));
    t.equal(added.length, 1, added.join());
    t.match(added[0], new RegExp(`^sources .*${two.ip}`));
    world.apply(balanced('ranged', { clusterIP: serviceAddress(40), ports }));
    await askUntil(to, /^one /);
    t.equal([...(await elementsOf(world))].filter((e) => /^(guards|sources) /.test(e)).length, 0);
  });

  t.test('where the node may come, its own address stands for it', async (t) => {
    world.apply(ranged(`${world.network.gateway}/32`));
    await askUntil(to, /TIMEOUT/, client.netnsPath);
    const isOwn = async () =>
      [...(await elementsOf(world))].some(
        (element) => element.startsWith('sources') && element.includes(balancedIp),
      );
    t.notOk(await isOwn());
    world.apply(ownNode('west', world.network.gateway));
    const deadline = Date.now() + 60_000;
    while (!(await isOwn())) {
      if (Date.now() > deadline) throw new Error('the balanced address is no source of its own');
      await delay(20);
    }
    world.remove(ranged());
    t.match(await askUntil(to, /^error/, client.netnsPath), /^error/);
  });
}

/** Status, weight and body of a health check's answer. */
async function checked(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    const weight = answer.headers.get('x-load-balancing-endpoint-weight');
    return `${answer.status} ${weight} ${await answer.text()}`;
  } catch (error) {
    return `error ${((error as Error).cause as NodeJS.ErrnoException | undefined)?.code}`;
  }
}

async function checkedUntil(port: number, fits: RegExp): Promise<string> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await checked(port);
    if (fits.test(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${port} answers '${answer}', not ${fits}`);
    await delay(20);
  }
}

export function testHealthChecks(t: Test, world: ServiceWorld, { one, two }: Parties): void {
  const ports = [{ port: 8001, targetPort: 80 }];
  const asked = (healthCheckNodePort: number) =>
    balanced('asked', {
      clusterIP: serviceAddress(41),
      ports,
      externalTrafficPolicy: 'Local',
      healthCheckNodePort,
    });
  const elsewhere = { ip: two.ip, node: 'node-2' };

  t.test('a balancer learns at the health check port whether the node has endpoints', async (t) => {
    world.apply(asked(31_991), slice('asked', [{ ip: one.ip }, elsewhere], ports));
    const body =
      '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "asked"\n\t},\n' +
      '\t"localEndpoints": 1,\n\t"serviceProxyHealthy": true\n}';
    t.equal(await checkedUntil(31_991, /^200/), `200 1 ${body}`);
    world.apply(slice('asked', [elsewhere], ports));
    const none = body.replace('"localEndpoints": 1', '"localEndpoints": 0');
    t.equal(await checkedUntil(31_991, /^503/), `503 0 ${none}`);
    world.apply(asked(31_992));
    await checkedUntil(31_992, /^503/);
    t.ok(await checkedUntil(31_991, /^error ECONNREFUSED/), 'the port before is free');
  });

  t.test('a port that another program holds is had when that one goes', async (t) => {
    const other = createServer((_, response) => response.end('other'));
    await new Promise<void>((resolve) => other.listen(31_993, '0.0.0.0', resolve));
    world.apply(asked(31_993));
    await checkedUntil(31_992, /ECONNREFUSED/);
    t.match(world.warnings.join(), /no health check of a Service: is its port taken\?.*31993/);
    world.warnings.length = 0;
    other.close();
    other.closeAllConnections();
    await checkedUntil(31_993, /^503/);
    world.remove(asked(31_993));
    t.ok(await checkedUntil(31_993, /^error ECONNREFUSED/));
  });
}

export function testHints(t: Test, world: ServiceWorld, { one, two, client }: Parties): void {
  const ports = [{ port: 8002, targetPort: 80 }];
  const to = `${serviceAddress(42)}:8002`;
  const askedTen = async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(to, client.netnsPath)));
    return [...new Set(answers.map((text) => text.split(' ')[0]))].sort();
  };

  t.test(
    'clients are led to the endpoints of their zone, and follow the node into another',
    async (t) => {
      const east = { ip: one.ip, forZone: 'east' };
      const west = { ip: two.ip, forZone: 'west' };
      world.apply(ownNode('east', world.network.gateway));
      world.apply(
        service('zoned', { clusterIP: serviceAddress(42), ports }),
        slice('zoned', [east, west], ports),
      );
      await askUntil(to, /^one /, client.netnsPath);
      t.strictSame(await askedTen(), ['one']);
      world.apply(ownNode('west', world.network.gateway));
      await askUntil(to, /^two /, client.netnsPath);
      t.strictSame(await askedTen(), ['two']);
      world.apply(slice('zoned', [east, { ...west, ready: false }], ports));
      await askUntil(to, /^one /, client.netnsPath);
      t.strictSame(await askedTen(), ['one'], 'none is left here: those elsewhere');
    },
  );
}
