/** Logins in docker's config.json and in its helpers, as `bay login`, `logout`, `pull` and `push` use them. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  forgetLogin,
  keepLogin,
  loginOf,
  serverHost,
  serverKey,
} from '#cli/registry-login/login.ts';

const ada = { username: 'ada', password: 'pass:word' };
const auth = Buffer.from('ada:pass:word').toString('base64');
const hub = 'https://index.docker.io/v1/';

function file(t: { testdir(): string }, config?: object) {
  const path = join(t.testdir(), 'docker', 'config.json');
  if (config !== undefined) {
    mkdirSync(join(path, '..'));
    writeFileSync(path, JSON.stringify(config), { mode: 0o644 });
  }
  return { path, read: () => JSON.parse(readFileSync(path, 'utf8')) };
}

t.test('registries are named as docker names them', async (t) => {
  t.equal(serverKey(), hub);
  for (const text of ['', 'docker.io', 'index.docker.io', hub, 'docker.io/library/a:1']) {
    t.equal(serverKey(text), hub, text);
  }
  t.equal(serverHost(hub), 'docker.io');
  t.equal(serverKey('https://reg.io:5000/v2/'), 'reg.io:5000');
  t.equal(serverKey('reg.io/team/app:1'), 'reg.io');
});

t.test('a login is kept for its owner alone, and all else stays', async (t) => {
  const fresh = file(t);
  t.equal(await loginOf('reg.io', fresh.path), undefined);
  t.equal(await keepLogin('reg.io', ada, fresh.path), undefined);
  t.strictSame(fresh.read(), { auths: { 'reg.io': { auth } } });
  t.equal(statSync(fresh.path).mode & 0o777, 0o600);
  t.equal(statSync(join(fresh.path, '..')).mode & 0o777, 0o700);
  t.strictSame(readdirSync(join(fresh.path, '..')), ['config.json'], 'nothing lies beside it');
  t.strictSame(await loginOf('reg.io', fresh.path), ada);
});

t.test('of one registry alone is it replaced and forgotten', async (t) => {
  const others = { 'reg.io/team': { auth: 'a' }, 'reg.io:5000': { auth: 'b' } };
  const { path, read } = file(t, {
    auths: { ...others, 'https://reg.io/v2/': { auth: 'old' } },
    psFormat: 'x',
  });
  await keepLogin('reg.io', ada, path);
  t.strictSame(read(), { auths: { ...others, 'reg.io': { auth } }, psFormat: 'x' });
  t.equal(statSync(path).mode & 0o777, 0o600, 'also where others could read it before');
  t.equal(await forgetLogin('reg.io', path), true);
  t.strictSame(read(), { auths: others, psFormat: 'x' });
  t.equal(await forgetLogin('reg.io', path), false);
});

t.test('tokens, and Docker Hub by its old name', async (t) => {
  const { path } = file(t, {
    auths: {
      [hub]: { auth: Buffer.from('x:').toString('base64'), identitytoken: 'refresh' },
      'reg.io': { registrytoken: 'bearer' },
      'odd.io': { auth: 'bm9jb2xvbg==' },
    },
  });
  t.strictSame(await loginOf(hub, path), { identitytoken: 'refresh' });
  t.strictSame(await loginOf('reg.io', path), { registrytoken: 'bearer' });
  t.equal(await loginOf('odd.io', path), undefined);
});

t.test('a link stays a link; what is no configuration is told and left alone', async (t) => {
  const { path } = file(t, {});
  const link = join(path, '../../link.json');
  symlinkSync(path, link);
  await keepLogin('reg.io', ada, link);
  t.ok(lstatSync(link).isSymbolicLink());
  t.strictSame(await loginOf('reg.io', path), ada);
  writeFileSync(path, '{"auths": secret');
  await t.rejects(keepLogin('reg.io', ada, path), /config\.json: it is not a JSON object/);
  t.equal(readFileSync(path, 'utf8'), '{"auths": secret');
});

t.test('helpers keep, give and erase', async (t) => {
  const { path, read } = file(t, { credHelpers: { 'reg.io': 'bay-test' }, credsStore: 'absent' });
  const bin = join(path, '..');
  const program = join(bin, 'docker-credential-bay-test');
  const script = [
    '#!/bin/sh',
    `cd ${bin}`,
    'case $1 in',
    'store) cat >kept ;;',
    'get) cat kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;',
    'erase) [ "$(cat)" = reg.io ] && rm -f kept ;;',
    'esac',
  ];
  writeFileSync(program, script.join('\n'));
  chmodSync(program, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before}`;
  t.teardown(() => {
    process.env['PATH'] = before;
  });
  t.equal(await loginOf('reg.io', path), undefined);
  t.equal(await keepLogin('reg.io', ada, path), 'bay-test');
  t.strictSame(read().auths, { 'reg.io': {} }, 'the password is not in the file');
  t.strictSame(await loginOf('reg.io', path), ada);
  writeFileSync(join(bin, 'kept'), '{"Username":"<token>","Secret":"refresh"}');
  t.strictSame(await loginOf('reg.io', path), { identitytoken: 'refresh' });
  t.equal(await forgetLogin('reg.io', path), true);
  t.equal(await loginOf('reg.io', path), undefined);
  await t.rejects(loginOf('other.io', path), /run docker-credential-absent get: .*ENOENT/);
});
