/** Repositories over https with a login, and over ssh. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import t from 'tap';
import { readAddress } from '#controller/git-sync/source/address.ts';
import { Mirror } from '#controller/git-sync/source/mirror.ts';
import { waitFor } from '../../support/cluster.ts';
import { GitRepository } from '../../support/git-repository.ts';
import { startGitServer } from '../../support/git-server.ts';
import { scratch } from '../../support/scratch.ts';

t.setTimeout(60_000);
const folder = scratch('transports');
const limits = { timeoutMs: 20_000, maxBytes: 64 << 20 };

t.test('https with a login and a CA of its own', async (t) => {
  const repository = new GitRepository(folder());
  const head = repository.push({ a: '1' });
  const server = await startGitServer(dirname(repository.path), folder(), 'reader:s3cret-pass');
  t.teardown(() => server.close());
  const address = readAddress(`${server.url}/fleet.git`);
  const place = join(folder(), 'mirror');
  const mirror = new Mirror(place, limits);
  const follow = (secret?: Record<string, string>) => mirror.follow(address, 'main', { secret });
  const login = { username: 'reader', password: 's3cret-pass' };

  await t.rejects(follow(login), { reason: 'Unreachable', message: /certificate/i });
  await t.rejects(follow({ 'ca.crt': server.ca }), {
    reason: 'Unreachable',
    message: /Auth|user/i,
  });
  const wrong = { username: 'reader', password: 'wr0ng-pass', 'ca.crt': server.ca };
  const refused: unknown = await follow(wrong).catch((error) => error);
  t.match(String(refused), /Authentication failed|401|could not read/i);
  t.notMatch(String(refused), /wr0ng|Basic/, 'no secret is told');

  const right = { ...login, 'ca.crt': server.ca };
  t.equal((await follow(right)).tip.commit, head);
  t.equal(String(await (await mirror.tree(head)).read('a')), '1');
  const kept = readdirSync(place, { recursive: true, encoding: 'utf8' });
  t.notOk(kept.some((name) => name.startsWith('access')));
  t.notMatch(readFileSync(join(place, 'config'), 'utf8'), /s3cret|fleet/);

  server.isUp = false;
  await t.rejects(follow(right), { reason: 'Unreachable', message: /503/ });
  server.isUp = true;
  const next = repository.push({ a: '2' });
  t.equal((await follow(right)).tip.commit, next, 'it recovers');

  const other = await startGitServer(dirname(repository.path), folder());
  t.teardown(() => other.close());
  server.redirect = other.url;
  await t.rejects(follow(right), { reason: 'Unreachable', message: /redirect|302/i });
  t.strictSame(other.logins, [], 'the login is not carried elsewhere');
});

t.test('ssh gets one key, one list of hosts, and nothing of this machine', async (t) => {
  const repository = new GitRepository(folder());
  const head = repository.push({ a: '1' });
  // In the place of ssh: notes how it was called, then does what the other end would.
  const bin = folder();
  writeFileSync(
    join(bin, 'ssh'),
    `#!/bin/sh\nprintf '%s\\n' "$@" > ${bin}/args\nexec git-upload-pack '${repository.path}'\n`,
    { mode: 0o755 },
  );
  const { PATH } = process.env;
  process.env['PATH'] = `${bin}:${PATH}`;
  t.teardown(() => {
    process.env['PATH'] = PATH;
  });
  const place = join(folder(), 'mirror');
  const mirror = new Mirror(place, limits);
  const secret = { identity: 'the key', known_hosts: 'the hosts' };
  const address = readAddress('ssh://git@git.example:2222/fleet.git');
  const { tip } = await mirror.follow(address, 'main', { secret });
  t.equal(tip.commit, head);
  const args = readFileSync(join(bin, 'args'), 'utf8').split('\n');
  for (const wanted of [
    '/dev/null',
    `${place}/access/key`,
    `UserKnownHostsFile=${place}/access/hosts`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'git@git.example',
    '2222',
  ]) {
    t.ok(args.includes(wanted), `${wanted} in ${args}`);
  }
  t.notOk(existsSync(join(place, 'access')), 'the key is there while git runs, and no longer');
});

const sshd = ['/usr/sbin/sshd', process.env['SSHD'] ?? ''].find((path) => existsSync(path));

t.test('a real ssh server', { skip: sshd === undefined && 'needs sshd' }, async (t) => {
  const repository = new GitRepository(folder());
  const head = repository.push({ a: '1' });
  const keys = folder();
  for (const name of ['host', 'user', 'other']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, name)]);
  }
  const text = (name: string) => readFileSync(join(keys, name), 'utf8');
  const port = await freePort();
  writeFileSync(join(keys, 'authorized'), text('user.pub'));
  writeFileSync(
    join(keys, 'sshd_config'),
    `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${keys}/host\nAuthorizedKeysFile ${keys}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n`,
  );
  for (const name of ['host', 'authorized']) chmodSync(join(keys, name), 0o600);
  mkdirSync('/run/sshd', { recursive: true });
  const server = spawn(sshd ?? '', ['-D', '-e', '-f', join(keys, 'sshd_config')]);
  t.teardown(() => server.kill());
  let said = '';
  server.stderr.on('data', (chunk) => {
    said += chunk;
  });
  await waitFor('sshd', () => (/Server listening/.test(said) ? true : undefined));
  const address = readAddress(`ssh://root@127.0.0.1:${port}${repository.path}`);
  const follow = (secret: Record<string, string>) =>
    new Mirror(join(folder(), 'mirror'), limits).follow(address, 'main', { secret });
  const hosts = `[127.0.0.1]:${port} ${text('host.pub')}`;
  t.equal((await follow({ identity: text('user'), known_hosts: hosts })).tip.commit, head);
  const strange = `[127.0.0.1]:${port} ${text('other.pub')}`;
  await t.rejects(follow({ identity: text('user'), known_hosts: strange }), {
    message: /REMOTE HOST IDENTIFICATION|Host key verification failed/,
  });
  await t.rejects(follow({ identity: text('other'), known_hosts: hosts }), {
    message: /Permission denied/,
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
