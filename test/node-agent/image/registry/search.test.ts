/** Searching registries: those with a catalogue, those without, and those that lie. */
import t from 'tap';
import { BadRegistry } from '../../../support/bad-registry.ts';
import { impatientStore } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';

needsRoot();
const directory = scratch('search');
const registry = await BadRegistry.start();
t.teardown(() => registry.close());
const images = await impatientStore(directory());
const answer = (pages: Readonly<Record<string, readonly [number, string, string?]>>) => {
  registry.meet = (_request, response, url) => {
    const page = pages[url];
    if (page === undefined) return false;
    const [status, body, link] = page;
    response.writeHead(status, { ...(link === undefined ? {} : { link }) });
    response.end(body);
    return true;
  };
};
const search = (word: string, limit = 25) => images.search(`${registry.host}/${word}`, { limit });
const first = '/v2/_catalog?n=1000';

t.test('a catalogue is read page by page', async (t) => {
  answer({
    [first]: [
      200,
      '{"repositories":["team/app","box"]}',
      '</v2/_catalog?n=1000&last=box>; rel="next"',
    ],
    '/v2/_catalog?n=1000&last=box': [200, '{"repositories":["other/app"]}'],
  });
  const names = async (...args: [string, number?]) =>
    (await search(...args)).map(({ name }) => name);
  t.strictSame(await names('app'), [`${registry.host}/team/app`, `${registry.host}/other/app`]);
  t.strictSame(await names('app', 1), [`${registry.host}/team/app`]);
  t.strictSame(await names('nothing'), []);
  t.equal((await names('')).length, 3);
});

t.test('the login of who asks is shown to the registry', async (t) => {
  const shown: (string | undefined)[] = [];
  registry.meet = ({ headers }, response) => {
    const { authorization } = headers;
    shown.push(authorization);
    const code = authorization === undefined ? 401 : 200;
    response.writeHead(code, code === 401 ? { 'www-authenticate': 'Basic realm="x"' } : {});
    response.end('{"repositories":["app"]}');
    return true;
  };
  const store = await impatientStore(directory());
  const term = `${registry.host}/app`;
  await t.rejects(store.search(term, { limit: 25 }), { code: 'Registry' }, 'without one');
  t.ok(shown.every((one) => one === undefined));
  const logins = [{ username: 'jane', password: 'secret' }];
  t.equal((await store.search(term, { limit: 25, logins })).length, 1);
  t.equal(shown.at(-1), `Basic ${Buffer.from('jane:secret').toString('base64')}`);
});

t.test('a registry without a catalogue is told of, with what to do', async (t) => {
  for (const status of [401, 403, 404, 405]) {
    answer({ [first]: [status, '{"errors":[{"code":"UNSUPPORTED"}]}'] });
    await t.rejects(search('app'), {
      code: 'Registry',
      message: /offers no catalogue to us: pull an image by its name instead/,
    });
  }
});

t.test('what is no list, ends elsewhere or never ends is refused or cut', async (t) => {
  for (const body of ['', '{}', '[]', '{"repositories":"x"}', '<html>']) {
    answer({ [first]: [200, body] });
    await t.rejects(search('app'), /answered no list of repositories/);
  }
  answer({
    [first]: [200, '{"repositories":["app"]}', '<http://127.0.0.1:1/v2/_catalog>; rel="next"'],
  });
  t.equal((await search('app')).length, 1, 'another server is not asked');
  answer({ [first]: [200, '{"repositories":["app"]}', `<${first}>; rel="next"`] });
  t.equal((await search('app')).length, 1, 'a page that follows itself is read once');
  await t.rejects(images.search('', { limit: 25 }), /write \[registry\/\]word/);
  await t.rejects(images.search('a b', { limit: 25 }), /write \[registry\/\]word/);
});
