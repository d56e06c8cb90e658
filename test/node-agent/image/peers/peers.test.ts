/** Nodes that give each other their images: three stores with the nodes' API between them, and no registry anywhere. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { ensurePki } from '#api/pki/pki.ts';
import { silent } from '#controller/runtime/log.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import type { NodeImages } from '#node-agent/image/node-images.ts';
import { type Peer, peerOf, ranked } from '#node-agent/image/peers/peer-list.ts';
import { Peers } from '#node-agent/image/peers/peers.ts';
import { contentRoutes } from '#node-agent/server/content-routes.ts';
import { imageRoutes } from '#node-agent/server/image-routes.ts';
import { serveNodeApi } from '#node-agent/server/node-api.ts';
import { Layout } from '../../../support/image-archives.ts';
import { folder, loadEntries, loadTagged } from '../../../support/image-store.ts';
import { largeLayer, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('peers');
const names = ['n1', 'n2', 'n3'];
const pkiDir = directory();
await ensurePki({ dir: pkiDir, nodeNames: names, hosts: [] });
const pem = (name: string) => readFileSync(join(pkiDir, name), 'utf8');
const tlsOf = (part: string) => ({
  ca: pem('ca.crt'),
  cert: pem(`${part}.crt`),
  key: pem(`${part}.key`),
});

interface TestNode extends Peer {
  readonly dataDir: string;
  readonly images: ReadonlySet<string>;
  readonly store: NodeImages;
  /** What it was asked for by others. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** A node that knows the others of `cluster` as they are when it needs them. */
async function node(name: string, cluster: Peer[]): Promise<TestNode> {
  const dataDir = directory();
  const list = async () => cluster.filter((peer) => peer.name !== name);
  const peers = new Peers({ list, tls: tlsOf(`node-${name}`) });
  const retry = { tries: 1, baseMs: 1, maxMs: 1, longestAskedMs: 1 };
  const env = { DOCKER_CONFIG: dataDir };
  writeFileSync(
    join(dataDir, 'registries.json'),
    JSON.stringify({ registries: { 'docker.io': { mirrors: [] } } }),
  );
  const store = await openImages({ dataDir, peers, registry: { retry, env, idleMs: 300 } });
  const asked: string[] = [];
  const content = contentRoutes(store.shared).map((route) => ({
    ...route,
    answer: (call: Parameters<typeof route.answer>[0]) => {
      asked.push(call.request.url ?? '');
      return route.answer(call);
    },
  }));
  const api = await serveNodeApi({
    bindAddress: '127.0.0.1',
    port: 0,
    tls: tlsOf(`node-${name}`),
    routes: [
      ...content,
      ...imageRoutes({ images: store, users: async () => new Map(), onChange: () => {} }),
    ],
    upgrades: [],
    log: silent,
  });
  const images = new Set<string>();
  const close = async () => {
    peers.close();
    await api.close();
  };
  const made = { name, address: '127.0.0.1', port: api.port, images, dataDir, store, asked, close };
  cluster.push(made);
  return made;
}

async function cluster(t: {
  teardown(run: () => unknown): void;
}): Promise<readonly [TestNode, TestNode, TestNode]> {
  const all: Peer[] = [];
  const [a, b, c] = [await node('n1', all), await node('n2', all), await node('n3', all)];
  t.teardown(() => Promise.all([a, b, c].map((each) => each.close())));
  return [a, b, c];
}

t.test('an image loaded on one node is pulled by the others, byte by byte', async (t) => {
  const [a, b, c] = await cluster(t);
  const loaded = await loadTagged(a.store, ['bayplan.local/app:1']);
  const seen: string[] = [];
  const pulled = await b.store.pull('bayplan.local/app:1', {
    onProgress: ({ status }) => seen.push(status),
  });
  t.strictSame({ ...pulled, tags: loaded.tags }, loaded);
  t.ok(seen.includes('downloading') && seen.includes('done'));
  t.strictSame(folder(b.dataDir, 'blobs/sha256'), folder(a.dataDir, 'blobs/sha256'));
  t.strictSame(folder(b.dataDir, 'layers'), folder(a.dataDir, 'layers'));
  await a.close();
  t.equal((await c.store.pull('bayplan.local/app:1')).digest, loaded.digest, 'from the second');
});

t.test('an image is pulled by its digest from whoever has it', async (t) => {
  const [, b, c] = await cluster(t);
  const layout = new Layout();
  const descriptor = layout.image({ layers: [largeLayer(3_000_000), ...smallLayers()] });
  const annotations = { 'io.containerd.image.name': 'example.test/app:2' };
  await loadEntries(c.store, layout.entries([{ ...descriptor, annotations }]));
  const image = await b.store.pull(`example.test/app@${descriptor.digest}`);
  t.equal(image.digest, descriptor.digest);
  t.strictSame(image.repoDigests, [`example.test/app@${descriptor.digest}`]);
});

t.test('who has nothing is told so soon, and bayplan.local is asked of nobody else', async (t) => {
  const [a, b] = await cluster(t);
  await t.rejects(a.store.pull('bayplan.local/none'), { code: 'NotFound', message: /no registry/ });
  t.equal(b.asked.length, 1);
});

t.test('a dead, a silent and a lying peer are passed over', async (t) => {
  const all: Peer[] = [];
  const [a, b] = [await node('n1', all), await node('n2', all)];
  const silentServer = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise((resolve) => silentServer.once('listening', resolve));
  const { port } = silentServer.address() as AddressInfo;
  const bad = { address: '127.0.0.1', images: new Set(['bayplan.local/app:1']) };
  all.push({ ...bad, name: 'silent', port }, { ...bad, name: 'dead', port: 1 });
  all.push({ ...bad, name: 'n3', port: b.port }); // it shows the certificate of another
  t.teardown(async () => {
    silentServer.close();
    await Promise.all([a.close(), b.close()]);
  });
  const loaded = await loadTagged(a.store, ['bayplan.local/app:1']);
  t.equal((await b.store.pull('bayplan.local/app:1')).digest, loaded.digest);
});

t.test('damaged content of a peer is not taken', async (t) => {
  const [a, b] = await cluster(t);
  const loaded = await loadTagged(a.store, ['bayplan.local/app:1']);
  const [own = ''] = folder(a.dataDir, 'blobs/sha256').filter((hex) => {
    const bytes = readFileSync(join(a.dataDir, 'images/blobs/sha256', hex));
    return !bytes.toString('latin1').startsWith('{');
  });
  writeFileSync(join(a.dataDir, 'images/blobs/sha256', own), 'damaged');
  await t.rejects(b.store.pull('bayplan.local/app:1'), { code: 'NotFound' });
  t.strictSame(await b.store.list(), []);
  t.ok(loaded);
});

function ask(peer: Peer, path: string, part: string, method = 'GET', headers = {}) {
  return new Promise<{ code: number; text: string }>((resolve, reject) => {
    const { address: host, port, name } = peer;
    const options = { host, port, path, method, headers, servername: name, ...tlsOf(part) };
    const call = request(options, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end();
  });
}

t.test('nodes may read content and nothing else', async (t) => {
  const [a] = await cluster(t);
  const image = await loadTagged(a.store, ['bayplan.local/app:1']);
  const blob = `/content/blobs/${image.id}`;
  const whole = await ask(a, blob, 'node-n2');
  t.equal(createHash('sha256').update(whole.text, 'latin1').digest('hex'), image.id.slice(7));
  const rest = await ask(a, blob, 'node-n2', 'GET', { range: 'bytes=10-' });
  t.strictSame(rest, { code: 206, text: whole.text.slice(10) });
  t.equal((await ask(a, blob, 'node-n2', 'GET', { range: 'bytes=9999999-' })).code, 416);
  t.equal((await ask(a, blob, 'controller')).code, 403, 'not everybody with a certificate');
  t.equal((await ask(a, '/images', 'node-n2')).code, 403);
  t.equal((await ask(a, '/images/load', 'node-n2', 'POST')).code, 403);
  t.equal((await ask(a, blob, 'node-n2', 'DELETE')).code, 405);
  for (const path of ['..%2f..%2frefs.json', 'sha256:..%2frefs.json', `sha256:${'0'.repeat(64)}`]) {
    t.equal((await ask(a, `/content/blobs/${path}`, 'node-n2')).code, 404, path);
  }
  t.equal((await ask(a, '/content/manifests', 'node-n2')).code, 400);
});

t.test('the order of peers is the same everywhere, and differs by content', async (t) => {
  const peers = Array.from({ length: 30 }, (_, i) => ({
    name: `n${i}`,
    address: '',
    port: 1,
    images: new Set(i === 7 ? ['x'] : []),
  }));
  const order = (key: string, of: readonly Peer[]) => ranked(of, key, 'x').map(({ name }) => name);
  t.strictSame(order('a', peers), order('a', peers.toReversed()));
  t.not(order('a', peers)[1], order('b', peers)[1]);
  t.equal(order('a', peers)[0], 'n7', 'who reports it comes first');
});

t.test('only ready nodes with an address are peers', async (t) => {
  const ready = (name: string, status: 'True' | 'False') => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: {
      conditions: [{ type: 'Ready', status }],
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      images: [{ names: ['x:1'], sizeBytes: 1 }],
    },
  });
  t.match(peerOf(ready('a', 'True'), 'self'), [{ name: 'a', address: '10.0.0.1', port: 10250 }]);
  t.strictSame(peerOf(ready('a', 'False'), 'self'), []);
  t.strictSame(peerOf(ready('self', 'True'), 'self'), []);
  t.strictSame(peerOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'b' } }, 'self'), []);
});
