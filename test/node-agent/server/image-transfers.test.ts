/** Pull and push over the node's API: a line of JSON for each step, the result or the error last. */
import t from 'tap';
import { busybox } from '../fake-images.ts';
import { served } from './api-rig.ts';

const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

t.test('a pull ends with the image, with the login Docker clients send', async (t) => {
  const { rig, ask, imageChanges } = await served(t);
  rig.images.remote.set('reg.io/app', async () => busybox);
  const login = Buffer.from(JSON.stringify({ username: 'ada', password: 'p' })).toString(
    'base64url',
  );
  const answer = await ask('POST', '/images/pull?reference=reg.io%2Fapp', 'admin', '', {
    'x-registry-auth': login,
  });
  t.equal(answer.code, 200);
  t.match(lines(answer.text), [{ image: { id: busybox.id } }]);
  t.equal(imageChanges(), 1);
  t.strictSame(rig.images.pulls[0]?.options.credentials, [{ username: 'ada', password: 'p' }]);
});

t.test('a push tells its progress and ends with the digest', async (t) => {
  const { ask } = await served(t);
  const answer = await ask('POST', '/images/push?reference=busybox');
  t.match(lines(answer.text), [
    { layer: busybox.digest, status: 'done', bytes: 1, total: 1 },
    { digest: busybox.digest },
  ]);
});

t.test('failures are the last line; a bad request is refused before any', async (t) => {
  const { ask } = await served(t);
  const failed = await ask('POST', '/images/pull?reference=reg.io%2Fnone');
  t.strictSame(lines(failed.text), [
    { error: { code: 404, reason: 'NotFound', message: 'pull reg.io/none: 404 Not Found' } },
  ]);
  t.equal((await ask('POST', '/images/pull')).code, 400);
  t.match(await ask('POST', '/images/pull?reference=No%20Name'), {
    code: 400,
    text: /it must be lowercase/,
  });
  t.equal(
    (await ask('POST', '/images/pull?reference=a', 'admin', '', { 'x-registry-auth': '!' })).code,
    400,
  );
});
