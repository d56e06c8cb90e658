/** How a registry is reached: mirrors, no TLS, own CAs, proxies; what registries.json says, and what is wrong with it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { BadRegistry, send, types } from '../../../support/bad-registry.ts';
import { impatientStore, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('registry-ways');
interface Teardown {
  teardown(run: () => unknown): void;
}

async function started(t: Teardown, tls?: { cert: string; key: string }) {
  const registry = await BadRegistry.start(tls);
  t.teardown(() => registry.close());
  return registry;
}

/** A certificate for 127.0.0.1 that only itself vouches for. */
function certificate() {
  const at = directory();
  const [key, cert] = [join(at, 'key.pem'), join(at, 'cert.pem')];
  const subject = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  return { path: cert, cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

t.test('mirrors are asked in their order, the registry itself last', async (t) => {
  const [broken, empty, full] = [await started(t), await started(t), await started(t)];
  broken.meet = (_request, response) => send(response, 503, 'down');
  full.image('hub/team/app', '1', { layers: smallLayers() });
  full.image('team/app', '2', { layers: smallLayers() });
  const settings = {
    registries: {
      'reg.example': {
        mirrors: [`http://${broken.host}`, `http://${empty.host}`, `http://${full.host}/hub/`],
      },
      [full.host]: { mirrors: [`http://${empty.host}`] },
    },
  };
  const images = await impatientStore(directory(), { settings });
  const image = await images.pull('reg.example/team/app:1', {
    credentials: [{ username: 'ada', password: 'secret' }],
  });
  t.strictSame(image.tags, ['reg.example/team/app:1']);
  t.equal(empty.count('GET', /^\/v2\/team\/app\/manifests\/1$/), 1);
  t.ok(
    [broken, empty, full].every(({ seen }) =>
      seen.every(({ headers }) => headers.authorization === undefined),
    ),
    'a login for the registry is not for its mirrors',
  );
  await images.pull(`${full.host}/team/app:2`);
  await t.rejects(images.pull(`${full.host}/team/app:3`), {
    code: 'NotFound',
    message: new RegExp(
      `GET http://${full.host}/v2/team/app/manifests/3: answered 404.*before that, mirrors failed: GET http://${empty.host}`,
    ),
  });
});

t.test('a mirror that fails in the middle of a blob is replaced by the registry', async (t) => {
  const [mirror, registry] = [await started(t), await started(t)];
  for (const each of [mirror, registry]) each.image('app', '1', { layers: smallLayers() });
  mirror.meet = (_request, response, url) => url.includes('/blobs/') && send(response, 200, 'lies');
  const settings = { registries: { [registry.host]: { mirrors: [`http://${mirror.host}`] } } };
  await (await impatientStore(directory(), { settings })).pull(`${registry.host}/app:1`);
  t.equal(registry.count('GET', /manifests/), 0);
  t.equal(registry.count('GET', /blobs/), 6, 'what lies began is not gone on with');
});

t.test(
  'TLS: a certificate is checked, a CA of ours is trusted, checks can be given up',
  async (t) => {
    const { path, cert, key } = certificate();
    const registry = await started(t, { cert, key });
    registry.image('app', '1', { layers: smallLayers() });
    const name = `${registry.host}/app:1`;
    const pull = async (fields: object) =>
      (
        await impatientStore(directory(), { settings: { registries: { [registry.host]: fields } } })
      ).pull(name);
    await t.rejects(pull({}), {
      code: 'Registry',
      message:
        /self-signed certificate; its certificate is not trusted: name the CA's file as "ca"/,
    });
    await pull({ ca: path });
    await (await impatientStore(directory(), { env: { SSL_CERT_FILE: path } })).pull(name);
    await pull({ insecure: 'skip-verify' });
    await t.rejects(pull({ insecure: 'http' }), { code: 'Registry' });
    await t.rejects(pull({ ca: '/nowhere.pem' }), {
      message: /read the CA of the registry .*ENOENT/,
    });
    const broken = join(directory(), 'broken.pem');
    for (const [text, why] of [
      [key, 'it holds no certificate in PEM'],
      [`${cert}\n${cert.replace('MII', 'AAA')}`, 'its certificate number 2 cannot be read'],
    ] as const) {
      writeFileSync(broken, text);
      await t.rejects(pull({ ca: broken }), { message: new RegExp(`, ${broken}: ${why}`) });
    }
  },
);

t.test(
  'a server without TLS is named as such unless it is on this machine or known for it',
  async (t) => {
    const registry = await started(t);
    registry.image('app', '1', { layers: smallLayers() });
    const port = registry.host.split(':')[1];
    const images = await impatientStore(directory());
    await images.pull(`localhost:${port}/app:1`);
    await images.pull(`${registry.host}/app:1`);
    // 0.0.0.0 is this machine, too, but not by its name.
    const elsewhere = `0.0.0.0:${port}/app:1`;
    await t.rejects(images.pull(elsewhere), {
      message: /it does not speak TLS: set "insecure": "http" for "0.0.0.0:\d+" in registries.json/,
    });
    const settings = { registries: { [`0.0.0.0:${port}`]: { insecure: 'http' } } };
    await (await impatientStore(directory(), { settings })).pull(elsewhere);
  },
);

t.test('proxies of the environment are used, except for NO_PROXY', async (t) => {
  const { path, cert, key } = certificate();
  const registry = await started(t, { cert, key });
  const plain = await started(t);
  for (const each of [registry, plain]) each.image('app', '1', { layers: smallLayers() });
  const through: string[] = [];
  const proxy = createServer((request, response) => {
    through.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? '');
    const socket = connect(Number(new URL(`http://${plain.host}`).port), '127.0.0.1');
    socket.end(`${request.method} ${url.pathname} HTTP/1.0\r\nhost: plain\r\n\r\n`);
    socket.pipe(response.socket as NodeJS.WritableStream);
  });
  proxy.on('connect', (request, socket) => {
    through.push(`CONNECT ${request.url}`);
    const upstream = connect(Number(registry.host.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const each of [upstream, socket]) each.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.close());
  t.teardown(() => proxy.closeAllConnections());
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const env = { HTTPS_PROXY: url, HTTP_PROXY: url, NO_PROXY: plain.host };
  const settings = {
    registries: { [registry.host]: { ca: path }, 'plain.example': { insecure: 'http' } },
  };
  const images = await impatientStore(directory(), { settings, env });
  await images.pull(`${registry.host}/app:1`);
  t.ok(
    through.every((line) => line === `CONNECT ${registry.host}`) && through.length > 0,
    through.join(),
  );
  through.length = 0;
  await images.pull(`${plain.host}/app:1`);
  t.strictSame(through, []);
  await images.pull('plain.example/app:1');
  t.ok(through.includes('GET http://plain.example/v2/app/manifests/1'), through.join());
});

t.test('foreign layers come from the registry unless the settings allow their URLs', async (t) => {
  const [registry, elsewhere] = [await started(t), await started(t)];
  const { layers } = registry.image('app', '1', { layers: smallLayers() }, (m) => ({
    ...m,
    layers: (m['layers'] as { digest: string }[]).map((each) => ({
      ...each,
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: [`http://${elsewhere.host}/v2/any/blobs/${each.digest}`],
    })),
  }));
  for (const { digest } of layers) {
    elsewhere.blobs.set(digest, registry.blobs.get(digest) as Buffer);
    registry.blobs.delete(digest);
  }
  const name = `${registry.host}/app:1`;
  await t.rejects((await impatientStore(directory())).pull(name), {
    code: 'NotFound',
    message: /blob unknown/,
  });
  t.equal(elsewhere.seen.length, 0);
  const settings = { registries: { [registry.host]: { foreignLayers: true } } };
  await (await impatientStore(directory(), { settings })).pull(name);
  t.equal(elsewhere.count('GET', /blobs/), 2);
  t.equal(types.layer.includes('foreign'), false);
});

t.test('what is wrong in registries.json and config.json is named', async (t) => {
  const at = directory();
  const attempt = async (settings: string) => {
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'registries.json'), settings);
    return (await impatientStore(at)).pull('127.0.0.1:1/app');
  };
  const wrong: Readonly<Record<string, RegExp>> = {
    '{': /registries\.json: .*JSON/,
    '{"registries":[]}': /registries: \[\] is not/,
    '{"registries":{"a":{"insecure":true}}}':
      /registries\.a\.insecure: true is not \("http" \| "skip-verify"\)/,
    '{"registries":{"a":{"mirror":[]}}}':
      /registries\.a has the unknown field "mirror"; known: mirrors, insecure, ca, foreignLayers/,
    '{"registries":{"a":{"mirrors":["ftp://b"]}}}':
      /registries\.a\.mirrors: "ftp:\/\/b" is not an http or https URL/,
    '{"mirrors":[]}': /the document has the unknown field "mirrors"/,
  };
  for (const [text, message] of Object.entries(wrong))
    await t.rejects(attempt(text), { code: 'Registry', message }, text);
  const config = join(at, 'config.json');
  const withConfig = (json: string) => {
    writeFileSync(config, json);
    return attempt(JSON.stringify({ dockerConfig: config }));
  };
  await t.rejects(withConfig('{"auths":{"a":{"auth":7}}}'), {
    message: /read the credentials .*config\.json: auths\.a\.auth is not as Docker writes it/,
  });
  await t.rejects(withConfig('secret'), { message: /they are not JSON$/ });
});

t.test('names of images of the nodes themselves are never looked for elsewhere', async (t) => {
  const images = await impatientStore(directory());
  await t.rejects(images.pull('bayplan.local/app'), {
    code: 'NotFound',
    message: /bayplan\.local is no registry; load the image/,
  });
  await t.rejects(images.pull('127.0.0.1:1/app'), {
    code: 'Registry',
    message:
      /GET https:\/\/127.0.0.1:1\/v2\/: connect ECONNREFUSED 127.0.0.1:1; given up after 3 tries; nothing listens there/,
  });
  await t.rejects(images.pull('No Name'), { code: 'InvalidReference' });
});
