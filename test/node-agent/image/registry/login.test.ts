/** Who asks: tokens, basic authentication, docker's config.json, helpers; and what is never sent to whom. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import type { RegistryCredentials } from '#node-agent/image/images.ts';
import { parseChallenges } from '#node-agent/image/registry/challenge.ts';
import { configuredAuths } from '#node-agent/image/registry/docker-config.ts';
import { BadRegistry, refuse, send } from '../../../support/bad-registry.ts';
import { impatientStore, smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('registry-login');
const ada = { username: 'ada', password: 'pass:word' };
const basic = `Basic ${Buffer.from('ada:pass:word').toString('base64')}`;

interface Guard {
  /** What the registry takes as authorization. */
  readonly accepts: (authorization: string | undefined) => boolean;
  readonly challenge: string;
  /** Answers the token service. */
  readonly token?: (request: IncomingMessage, response: ServerResponse, url: URL) => true;
}

interface Teardown {
  teardown(run: () => unknown): void;
}

async function guarded(t: Teardown, guard: (host: string) => Guard) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  registry.image('app', '1', { layers: smallLayers() });
  const { accepts, challenge, token } = guard(registry.host);
  registry.meet = (request, response, url) => {
    if (url.startsWith('/token') && token !== undefined) {
      return token(request, response, new URL(url, 'http://registry'));
    }
    if (accepts(request.headers.authorization)) return false;
    response.setHeader('www-authenticate', challenge);
    return refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
  };
  const dataDir = directory();
  const pull = async (credentials: readonly RegistryCredentials[] = []) => {
    const images = await impatientStore(dataDir);
    return images.pull(`${registry.host}/app:1`, { credentials });
  };
  const writeConfig = (config: object) => {
    mkdirSync(join(dataDir, 'docker'), { recursive: true });
    writeFileSync(join(dataDir, 'docker/config.json'), JSON.stringify(config));
  };
  return { registry, dataDir, pull, writeConfig };
}

const withBasic = (): Guard => ({
  accepts: (authorization) => authorization === basic,
  challenge: 'Basic realm="registry"',
});

const withTokens =
  (token: Guard['token'], good = 'Bearer t0') =>
  (host: string): Guard => ({
    accepts: (authorization) => authorization === good,
    challenge: `Bearer realm="http://${host}/token",service="the, service",scope="repository:app:pull"`,
    ...(token === undefined ? {} : { token }),
  });

t.test('basic authentication, from the caller and from config.json', async (t) => {
  const { registry, pull, writeConfig } = await guarded(t, withBasic);
  await t.rejects(pull(), {
    code: 'Unauthorized',
    message:
      /answered 401 Unauthorized \(UNAUTHORIZED: authentication required\); give credentials for 127/,
  });
  await t.rejects(pull([{ username: 'eve', password: 'x' }]), { code: 'Unauthorized' });
  await pull([{ username: 'eve', password: 'x' }, ada]);
  writeConfig({
    auths: { [registry.host]: { auth: Buffer.from('ada:pass:word').toString('base64') } },
  });
  await pull();
  t.notOk(registry.seen.some(({ url }) => url.includes('pass')));
});

t.test('a token is fetched anonymously, once for all requests', async (t) => {
  const { registry, pull } = await guarded(
    t,
    withTokens((request, response, url) => {
      t.equal(request.headers.authorization, undefined);
      t.strictSame(
        [url.searchParams.get('service'), url.searchParams.get('scope')],
        ['the, service', 'repository:app:pull'],
      );
      return send(response, 200, '{"token":"t0","expires_in":300}');
    }),
  );
  await pull();
  t.equal(registry.count('GET', /^\/token/), 1);
});

t.test('a password buys a token; a refresh token is posted', async (t) => {
  const { pull } = await guarded(
    t,
    withTokens((request, response, url) => {
      if (request.method === 'GET') {
        t.equal(request.headers.authorization, basic);
        t.equal(url.searchParams.get('account'), 'ada');
      } else {
        request.on('data', (form) =>
          t.match(
            String(form),
            /grant_type=refresh_token&client_id=bayplan&refresh_token=r1&scope=repository%3Aapp%3Apull/,
          ),
        );
      }
      return send(response, 200, '{"access_token":"t0"}');
    }),
  );
  await pull([ada]);
  await pull([{ identityToken: 'r1' }]);
});

t.test('a registry token is sent as it is', async (t) => {
  const { pull, registry } = await guarded(t, withTokens(undefined, 'Bearer mine'));
  await pull([{ registryToken: 'mine' }]);
  t.equal(registry.count('GET', /^\/token/), 0);
  await t.rejects(pull([{ registryToken: 'other' }]), { code: 'Unauthorized' });
});

t.test('a token that expires or is refused is replaced', async (t) => {
  let number = 0;
  let current = '';
  const { registry, pull } = await guarded(t, (host) => ({
    ...withTokens((_request, response) => {
      current = `t${number++}`;
      return send(response, 200, JSON.stringify({ token: current, expires_in: 300 }));
    })(host),
    // The first token is good for two requests only.
    accepts: (authorization) => {
      if (authorization !== `Bearer ${current}` || current === '') return false;
      uses += 1;
      if (uses !== 3) return true;
      current = '';
      return false;
    },
  }));
  let uses = 0;
  await pull();
  t.equal(registry.count('GET', /^\/token/), 2);
});

t.test('a registry that refuses its own tokens is not asked for ever', async (t) => {
  let number = 0;
  const { registry, pull } = await guarded(
    t,
    withTokens((_request, response) => send(response, 200, `{"token":"other${number++}"}`)),
  );
  await t.rejects(pull([ada]), { code: 'Unauthorized', message: /answered 401/ });
  t.equal(registry.count('GET', /manifests/), 2);
  t.equal(number, 2);
});

t.test('a token service that fails is told as such', async (t) => {
  let answer: (response: ServerResponse) => true = (response) => send(response, 200, '{}');
  const { pull } = await guarded(
    t,
    withTokens((_request, response) => answer(response)),
  );
  await t.rejects(pull(), {
    message: /get a token from http:\/\/127.0.0.1:\d+\/token: the answer holds no token/,
  });
  answer = (response) => refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password');
  await t.rejects(pull([ada]), {
    code: 'Unauthorized',
    message: /get a token from .*incorrect username or password/,
  });
  answer = (response) => send(response, 200, 'x'.repeat(2_000_000));
  await t.rejects(pull(), { message: /the answer is longer than 1048576 bytes/ });
  answer = (response) => send(response, 200, '{"token":"a\\r\\nb: c"}');
  await t.rejects(pull(), { message: /the answer holds no token/ });
});

t.test('helpers are asked, and what they cannot say is not the end', async (t) => {
  const { registry, dataDir, pull, writeConfig } = await guarded(t, withBasic);
  const bin = join(dataDir, 'bin');
  mkdirSync(bin);
  const helper = (script: string) => {
    writeFileSync(join(bin, 'docker-credential-test'), `#!/bin/sh\nread server\n${script}\n`);
    chmodSync(join(bin, 'docker-credential-test'), 0o755);
  };
  const path = process.env['PATH'];
  process.env['PATH'] = `${bin}:${path}`;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  helper(`[ "$server" = ${registry.host} ] && echo '{"Username":"ada","Secret":"pass:word"}'`);
  writeConfig({ credHelpers: { [registry.host]: 'test' } });
  await pull();
  helper('echo credentials not found in native keychain; exit 1');
  await t.rejects(pull(), { code: 'Unauthorized' });
  helper('echo locked; exit 3');
  await t.rejects(pull(), {
    message: /ask docker-credential-test for 127\S+: it ended with 3: locked/,
  });
  writeConfig({ credsStore: 'absent' });
  await t.rejects(pull(), { message: /ask docker-credential-absent for .*ENOENT/ });
});

t.test('credentials fit by host, port, path and pattern, the closest first', async (t) => {
  const auths = Object.fromEntries(
    [
      'https://index.docker.io/v1/',
      'reg.io',
      'reg.io/team',
      '*.corp.io',
      'reg.io:5000',
      'http://old.io/v2/',
    ].map((key) => [key, { username: key, password: 'p' }]),
  );
  const names = (repository: string) =>
    configuredAuths({ auths }, repository).map(({ username }) => username);
  t.strictSame(names('docker.io/library/busybox'), ['https://index.docker.io/v1/']);
  t.strictSame(names('reg.io/team/app'), ['reg.io/team', 'reg.io']);
  t.strictSame(names('reg.io/teammates/app'), ['reg.io']);
  t.strictSame(names('reg.io:5000/app'), ['reg.io:5000']);
  t.strictSame(names('a.corp.io/app'), ['*.corp.io']);
  t.strictSame(names('a.b.corp.io/app'), []);
  t.strictSame(names('old.io/app'), ['http://old.io/v2/']);
  t.strictSame(names('notreg.io/app'), []);
});

t.test('challenges are read as registries write them', async (t) => {
  t.strictSame(
    parseChallenges(
      'Basic realm="a b", Bearer realm="https://x/t",service="s\\"q" , scope="repository:a:pull,push"',
    ),
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://x/t', service: 's"q', scope: 'repository:a:pull,push' },
      },
      { scheme: 'basic', parameters: { realm: 'a b' } },
    ],
  );
  t.strictSame(parseChallenges('bearer Realm=plain'), [
    { scheme: 'bearer', parameters: { realm: 'plain' } },
  ]);
  for (const header of [undefined, '', '"', 'Negotiate', ',,,', 'Bearer realm="unclosed']) {
    t.doesNotThrow(() => parseChallenges(header));
  }
});
