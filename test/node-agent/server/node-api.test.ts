import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { logFile } from '#node-agent/pod/paths.ts';
import { served, withPod } from './api-rig.ts';

t.test('only the API server and administrators are answered', async (t) => {
  const { ask } = await served(t);
  t.equal((await ask('GET', '/pods')).code, 200);
  t.equal((await ask('GET', '/pods', 'admin')).code, 200);
  const refused = await ask('GET', '/pods', 'controller');
  t.equal(refused.code, 403);
  t.match(JSON.parse(refused.text), { kind: 'Status', reason: 'Forbidden' });
  t.equal((await ask('GET', '/nowhere')).code, 404);
  t.equal((await ask('POST', '/pods')).code, 405);
});

t.test('logs of a container are served, and what is wrong is said', async (t) => {
  const { rig, ask } = await withPod(t);
  const state = rig.pods.find('default', 'web')?.state;
  if (state === undefined) return t.fail('no state');
  const path = logFile({ dataDir: rig.dataDir }, state.identity, { container: 'main', attempt: 0 });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    '2026-05-01T12:00:00.1Z stdout F hello\n2026-05-01T12:00:01.1Z stderr F you\n',
  );
  const log = '/containerLogs/default/web/main';
  t.strictSame(await ask('GET', `${log}?tailLines=1`), { code: 200, text: 'you\n' });
  t.strictSame(await ask('GET', log), { code: 200, text: 'hello\nyou\n' });
  const previous = await ask('GET', `${log}?previous=true`);
  t.equal(previous.code, 400);
  t.match(previous.text, /previous terminated container \\"main\\" in pod \\"web\\" not found/);
  t.equal((await ask('GET', '/containerLogs/default/none/main')).code, 404);
  t.equal((await ask('GET', '/containerLogs/default/web/none')).code, 400);
  const following = ask('GET', `${log}?follow=true`);
  rig.runtime.exit(rig.runtime.latest('main')?.spec.id ?? '', 0);
  t.match(await following, { code: 200, text: /^hello\nyou\n/ });
});

t.test('images are loaded, tagged, listed and removed', async (t) => {
  const { ask, imageChanges } = await served(t);
  const loaded = await ask('POST', '/images/load', 'admin', 'mine');
  t.equal(loaded.code, 200);
  t.match(JSON.parse(loaded.text), [{ tags: ['bayplan.local/busybox:latest'] }]);
  t.equal((await ask('POST', '/images/load', 'admin', 'broken')).code, 400);
  t.equal((await ask('POST', '/images/tag?source=mine&target=yours')).code, 200);
  t.equal((await ask('POST', '/images/tag?source=none&target=yours')).code, 404);
  t.equal((await ask('POST', '/images/tag?source=none')).code, 400);
  t.equal((await ask('DELETE', '/images/a%2Fb:c')).code, 200);
  t.equal(JSON.parse((await ask('GET', '/images')).text).length, 1);
  t.equal(imageChanges(), 3);
});
