/** `bay login` at the node's end: the registry is asked, and no repository of it. */
import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { BadRegistry, refuse, send } from '../../../support/bad-registry.ts';
import { impatientStore } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('registry-check-login');
const ada = { username: 'ada', password: 'pass:word' };
const basic = `Basic ${Buffer.from('ada:pass:word').toString('base64')}`;
const isAda = ({ headers }: IncomingMessage) => headers.authorization === basic;

t.test('a name and a password', async (t) => {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  registry.meet = (request, response) => {
    if (isAda(request)) return false;
    response.setHeader('www-authenticate', 'Basic realm="registry"');
    return refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
  };
  const images = await impatientStore(directory());
  await images.checkLogin(registry.host, ada);
  await t.rejects(images.checkLogin(registry.host, { username: 'ada', password: 'other' }), {
    code: 'Unauthorized',
    message: /^log in to 127\S+: GET \S+\/v2\/: answered 401 Unauthorized/,
  });
  for (const server of ['', 'a/b', 'a b', 'http://a']) {
    await t.rejects(images.checkLogin(server, ada), { code: 'InvalidReference' }, server);
  }
});

t.test('a token, which is for no repository', async (t) => {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  registry.meet = (request, response, url) => {
    if (url.startsWith('/token')) {
      t.equal(new URL(url, 'http://registry').searchParams.get('scope'), null);
      return isAda(request)
        ? send(response, 200, '{"token":"t0"}')
        : refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password');
    }
    if (request.headers.authorization === 'Bearer t0') return false;
    const realm = `http://${registry.host}/token`;
    response.setHeader('www-authenticate', `Bearer realm="${realm}",service="s"`);
    return refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
  };
  const images = await impatientStore(directory());
  await images.checkLogin(registry.host, ada);
  await t.rejects(images.checkLogin(registry.host, { username: 'eve', password: 'x' }), {
    code: 'Unauthorized',
    message: /incorrect username or password/,
  });
  t.ok(registry.seen.every(({ url }) => url === '/v2/' || url.startsWith('/token')));
});
