/**
 * A node's table with 10,000 Services of two endpoints: how long it takes to fill, to change one endpoint (the transaction in
 * the kernel and the whole way from the document), to take over after a restart; and answers of the name server. Needs root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointSlice, Node, Pod, Service } from '#api/resources/types.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { indexServices, indexSlices } from '#node-agent/network/cluster-view.ts';
import { nameBytes } from '#node-agent/network/dns/message.ts';
import { Resolver } from '#node-agent/network/dns/resolver.ts';
import { Zone } from '#node-agent/network/dns/zone.ts';
import { ElementTable } from '#node-agent/network/services/element-table.ts';
import { ServiceRules } from '#node-agent/network/services/service-rules.ts';
import { service, slice } from '../test/support/service-documents.ts';
import { percentile, printTable } from './measure.ts';

const count = Number(process.argv[2] ?? 10_000);
const rounds = 200;
const table = new ElementTable({
  table: `bayplan-bench${process.pid}`,
  podCidr: '10.200.0.0/24',
  clusterCidr: '10.200.0.0/16',
  serviceCidr: '10.100.0.0/14',
});
const ports = [{ port: 80 }];
const ip = (n: number) => `10.${100 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
const endpoints = (n: number, last = 2) => [
  { ip: `10.200.${n % 200}.1` },
  { ip: `10.200.${n % 200}.${last}` },
];

const services = indexServices(new Cache<Service>());
const slices = indexSlices(new Cache<EndpointSlice>());
const pods = new Cache<Pod>();
const nodes = new Cache<Node>();
const numbers = Array.from({ length: count }, (_, n) => n);
const fill = <T>(objects: T[]) => ({ type: 'replaced', version: '1', objects }) as never;
services.apply(fill(numbers.map((n) => service(`s${n}`, { clusterIP: ip(n), ports }))));
slices.apply(fill(numbers.map((n) => slice(`s${n}`, endpoints(n), ports))));
pods.apply(fill([]));
nodes.apply(fill([]));

const log = { warn: (message: string, fields: object) => console.error(message, fields) };
const start = async (): Promise<{ rules: ServiceRules; ms: number }> => {
  const from = performance.now();
  await table.open();
  const view = { services, slices, pods, nodes };
  const rules = new ServiceRules({ view, table, nodeName: 'n', log });
  rules.start();
  await rules.ready();
  return { rules, ms: performance.now() - from };
};

try {
  const first = await start();
  const kernel: number[] = [];
  const whole: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    table.put('endpoints', '2147483648 0', `10.200.1.${2 + (i % 200)} 80`);
    const from = performance.now();
    await table.flush();
    kernel.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(before);
  for (let i = 0; i < rounds; i++) {
    const n = (i * 37) % count;
    const changed = performance.now();
    slices.apply({ type: 'applied', object: slice(`s${n}`, endpoints(n, 3 + (i % 200)), ports) });
    await new Promise(setImmediate);
    await table.flush();
    whole.push(performance.now() - changed);
  }
  first.rules.close();
  await sleep(10);
  const second = await start();
  second.rules.close();

  const zone = new Zone({ domain: 'cluster.local', view: { services, slices } });
  const resolver = new Resolver(zone, { ask: async () => Buffer.alloc(12) });
  const query = Buffer.concat([
    Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    nameBytes('s77.default.svc.cluster.local'),
    Buffer.from([0, 1, 0, 1]),
  ]);
  const asked = 20_000;
  const from = performance.now();
  for (let i = 0; i < asked; i++) await resolver.reply(query, 'udp');
  const perAnswer = ((performance.now() - from) * 1000) / asked;

  const ms = (value: number) => `${value.toFixed(2)} ms`;
  printTable(`${count} Services of 2 endpoints`, [
    { what: 'all of them into an empty table', p50: ms(first.ms), p99: '' },
    {
      what: 'one element changed: request to acknowledgement',
      p50: ms(percentile(kernel, 0.5)),
      p99: ms(percentile(kernel, 0.99)),
    },
    { what: 'the same, CPU time', p50: ms((user + system) / 1000 / rounds), p99: '' },
    {
      what: 'one endpoint changed: document to acknowledgement',
      p50: ms(percentile(whole, 0.5)),
      p99: ms(percentile(whole, 0.99)),
    },
    { what: 'the next agent takes the table over', p50: ms(second.ms), p99: '' },
    { what: 'an answer of the name server', p50: `${perAnswer.toFixed(1)} µs`, p99: '' },
  ]);
} finally {
  await table.destroy();
}
process.exit();
