/** The cluster's names as a resolver of others (c-ares) sees them, over UDP and TCP. */
import { createSocket } from 'node:dgram';
import { Resolver as Client } from 'node:dns/promises';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import t from 'tap';
import type { EndpointSlice, Service } from '#api/resources/types.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { indexServices, indexSlices } from '#node-agent/network/cluster-view.ts';
import { nameBytes, readAnswers, types } from '#node-agent/network/dns/message.ts';
import { Resolver } from '#node-agent/network/dns/resolver.ts';
import { serveDns } from '#node-agent/network/dns/server.ts';
import { Upstream } from '#node-agent/network/dns/upstream.ts';
import { Zone } from '#node-agent/network/dns/zone.ts';
import { scratch } from '../../../support/scratch.ts';
import { service, slice } from '../../../support/service-documents.ts';

const services = indexServices(new Cache<Service>());
const slices = indexSlices(new Cache<EndpointSlice>());
const http = [{ name: 'http', port: 80, targetPort: 8080 }];
const many = Array.from({ length: 60 }, (_, i) => ({ ip: `10.244.9.${i}` }));
services.apply({
  type: 'replaced',
  version: '1',
  objects: [
    service('web', { clusterIP: '10.96.0.7', ports: http }),
    service('db', { clusterIP: 'None', ports: http }),
    service('out', { type: 'ExternalName', clusterIP: undefined, externalName: 'Example.com.' }),
    service('inside', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
    service('many', { clusterIP: 'None', ports: http }),
  ],
});
const named = slice(
  'db',
  [{ ip: '10.244.0.5' }, { ip: '10.244.0.6' }, { ip: '10.244.0.7', ready: false }],
  http,
);
const endpoints = named.endpoints?.map((one, i) => (i === 0 ? { ...one, hostname: 'db-0' } : one));
slices.apply({
  type: 'replaced',
  version: '1',
  objects: [{ ...named, endpoints: endpoints ?? [] }, slice('many', many, http)],
});

/** Somebody else's server: every name is 192.0.2.1, `nowhere` is not answered. */
const upstream = {
  ask: async (query: Buffer) => {
    if (query.includes('nowhere')) throw new Error('no answer');
    const reply = Buffer.concat([
      query.subarray(0, query.indexOf(0, 12) + 5),
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]),
    ]);
    reply.writeUInt16BE(0x8180, 2);
    reply.writeUInt16BE(1, 6);
    reply.writeUInt16BE(0, 10);
    return reply;
  },
};
const zone = new Zone({ domain: 'cluster.local', view: { services, slices } });
const resolver = new Resolver(zone, upstream);
const server = await serveDns('127.0.0.1', 0, resolver);
t.teardown(() => server.close());
const client = new Client();
client.setServers([`127.0.0.1:${server.port}`]);
const base = 'default.svc.cluster.local';

t.test('services have addresses, headless ones their endpoints’', async (t) => {
  t.strictSame(await client.resolve4(`web.${base}`), ['10.96.0.7']);
  t.strictSame((await client.resolve4(`db.${base}`)).sort(), ['10.244.0.5', '10.244.0.6']);
  t.strictSame(await client.resolve4(`db-0.db.${base}`), ['10.244.0.5']);
  t.strictSame(await client.resolve4(`10-244-0-6.db.${base}`), ['10.244.0.6']);
  t.strictSame(await client.resolve4('10-244-0-9.default.pod.cluster.local'), ['10.244.0.9']);
  t.strictSame(await client.resolve4(`WEB.${base.toUpperCase()}`), ['10.96.0.7']);
  t.equal((await client.resolve4(`web.${base}`, { ttl: true }))[0]?.ttl, 5);
  t.strictSame(await client.resolveTxt('dns-version.cluster.local'), [['1.1.0']]);
});

t.test('ports and names of addresses', async (t) => {
  t.match(await client.resolveSrv(`_http._tcp.web.${base}`), [{ name: `web.${base}`, port: 80 }]);
  const places = await client.resolveSrv(`_http._tcp.db.${base}`);
  t.strictSame(places.map(({ name, port }) => `${name}:${port}`).sort(), [
    `10-244-0-6.db.${base}:8080`,
    `db-0.db.${base}:8080`,
  ]);
  t.strictSame(await client.reverse('10.96.0.7'), [`web.${base}`]);
  t.strictSame(await client.reverse('10.244.0.5'), [`db-0.db.${base}`]);
});

t.test('what is not there: no such name, or nothing of the type', async (t) => {
  const nothing = [
    'nope.default.svc',
    'web.nowhere.svc',
    'x.web.default.svc',
    'what',
    '1-2.default.pod',
  ];
  for (const name of [...nothing, '_x._tcp.web.default.svc', '10-244-0-7.db.default.svc'])
    await t.rejects(client.resolve4(`${name}.cluster.local`), { code: 'ENOTFOUND' }, name);
  for (const name of ['default.svc', 'svc', '_http._tcp.web.default.svc'])
    await t.rejects(client.resolve4(`${name}.cluster.local`), { code: 'ENODATA' }, name);
  await t.rejects(client.resolve6(`web.${base}`), { code: 'ENODATA' });
});

t.test('other names are passed on; an ExternalName leads there', async (t) => {
  t.strictSame(await client.resolve4('example.org'), ['192.0.2.1']);
  await t.rejects(client.resolve4('nowhere.example.org'), { code: 'ESERVFAIL' });
  t.strictSame(await client.resolve4(`out.${base}`), ['192.0.2.1']);
  t.strictSame(await client.resolveCname(`out.${base}`), ['Example.com']);
  t.strictSame(await client.resolve4(`inside.${base}`), ['10.96.0.7']);
});

function query(name: string, type: number): Buffer {
  const header = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, nameBytes(name), Buffer.from([0, type, 0, 1])]);
}

t.test('what is too large for UDP is told to be asked over TCP', async (t) => {
  const udp = createSocket('udp4');
  t.teardown(() => udp.close());
  udp.send(query(`many.${base}`, types.a), server.port, '127.0.0.1');
  const [reply] = (await once(udp, 'message')) as [Buffer];
  t.ok(reply.length <= 512);
  t.ok(reply.readUInt16BE(2) & 0x200, 'truncated');
  t.equal((await client.resolve4(`many.${base}`)).length, 60, 'c-ares asks again');
});

t.test('over TCP several questions come in pieces on one connection', async (t) => {
  const socket = createConnection({ host: '127.0.0.1', port: server.port });
  t.teardown(() => socket.destroy());
  const one = query(`web.${base}`, types.a);
  const framed = Buffer.concat([Buffer.of(0, one.length), one]);
  socket.write(Buffer.concat([framed, framed.subarray(0, 7)]));
  await once(socket, 'data');
  socket.write(framed.subarray(7));
  const [second] = (await once(socket, 'data')) as [Buffer];
  t.strictSame([...(readAnswers(second.subarray(2))[0]?.value ?? [])], [10, 96, 0, 7]);
});

t.test('garbage gets an error or nothing, and never harms', async (t) => {
  const code = async (bytes: Buffer) =>
    ((await resolver.reply(bytes, 'udp')) ?? Buffer.alloc(4)).readUInt16BE(2) & 15;
  t.equal(await resolver.reply(Buffer.alloc(5), 'udp'), undefined, 'no message');
  t.equal(
    await resolver.reply(Buffer.from(query('a', 1)).fill(0x80, 2, 3), 'udp'),
    undefined,
    'a reply',
  );
  const whole = query(`web.${base}`, types.a);
  t.equal(await code(whole.subarray(0, 20)), 1, 'cut off');
  t.equal(await code(Buffer.from(whole).fill(0xc0, 12, 13)), 1, 'a pointer in a question');
  t.equal(await code(Buffer.from(whole).fill(0x28, 2, 3)), 4, 'another operation');
  for (let i = 0; i < whole.length; i++)
    for (const value of [0, 1, 63, 64, 192, 255])
      await resolver.reply(Buffer.from(whole).fill(value, i, i + 1), 'udp');
  t.strictSame(await client.resolve4(`web.${base}`), ['10.96.0.7']);
});

t.test(
  'a server that there is no way to is an error of the question, not of the agent',
  async (t) => {
    const path = `${scratch('upstream')()}/resolv.conf`;
    // The kernel refuses to connect to this one.
    writeFileSync(path, 'nameserver 255.255.255.255\n');
    const upstream = new Upstream({ path, own: [] });
    await t.rejects(upstream.ask(Buffer.alloc(12), 'udp'), /EACCES|ENETUNREACH/);
  },
);
