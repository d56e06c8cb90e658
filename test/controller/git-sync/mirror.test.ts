import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readAddress } from '#controller/git-sync/source/address.ts';
import { directoryTree } from '#controller/git-sync/source/directory.ts';
import { Mirror } from '#controller/git-sync/source/mirror.ts';
import { joined, SourceError } from '#controller/git-sync/source/tree.ts';
import { GitRepository } from '../../support/git-repository.ts';
import { scratch } from '../../support/scratch.ts';

const folder = scratch('mirror');
const limits = { timeoutMs: 20_000, maxBytes: 64 << 20 };

function setUp() {
  const repository = new GitRepository(folder());
  const place = join(folder(), 'mirror');
  const mirror = new Mirror(place, limits);
  const follow = (ref = 'main', previous?: string) =>
    mirror.follow(readAddress(repository.url), ref, { previous });
  return { repository, mirror, place, follow };
}

t.test('a branch is followed, commit by commit, and its files read', async (t) => {
  const { repository, mirror, follow } = setUp();
  const first = repository.push({ 'a.yaml': 'one', 'b/c.yaml': 'two' });
  t.strictSame(await follow(), {
    tip: { commit: first, ref: 'refs/heads/main' },
    rewritten: false,
  });
  const tree = await mirror.tree(first);
  t.strictSame([...tree.entries.keys()], ['a.yaml', 'b/c.yaml']);
  const read = await Promise.all([tree.read('b/c.yaml'), tree.read('a.yaml'), tree.read('a.yaml')]);
  t.strictSame(read.map(String), ['two', 'one', 'one']);
  const second = repository.push({ 'a.yaml': 'three' });
  t.strictSame((await follow('main', first)).tip.commit, second);
  t.equal(String(await (await mirror.tree(second)).read('a.yaml')), 'three');
});

t.test('tags and commits are followed, too', async (t) => {
  const { repository, follow } = setUp();
  const first = repository.push({ a: '1' });
  repository.git('tag', '-a', '-m', 'with a message', 'v1');
  repository.git('push', '--quiet', 'origin', 'v1');
  const second = repository.push({ a: '2' });
  t.equal((await follow('v1')).tip.commit, first);
  t.equal((await follow(second)).tip.commit, second);
  t.equal((await follow(first)).tip.commit, first, 'a commit that no branch ends with');
  t.equal((await follow('refs/tags/v1')).tip.commit, first);
});

t.test('a history that was rewritten is told from one that went on', async (t) => {
  const { repository, follow } = setUp();
  const first = repository.push({ a: '1' });
  await follow('main');
  for (let i = 0; i < 5; i += 1) repository.commit({ a: String(i) });
  const later = repository.push({ a: 'later' });
  t.equal((await follow('main', first)).rewritten, false);
  repository.git('reset', '--quiet', '--hard', first);
  const other = repository.push({ a: 'other' });
  t.strictSame(await follow('main', later), {
    tip: { commit: other, ref: 'refs/heads/main' },
    rewritten: true,
  });
  t.equal((await follow('main', other)).rewritten, false, 'told once');
});

t.test('what is wrong is told with its reason', async (t) => {
  const { repository, follow, mirror } = setUp();
  await t.rejects(follow(), { reason: 'NotFound', message: /no branch or tag "main"/ });
  repository.push({ a: '1' });
  await t.rejects(follow('nothing'), { reason: 'NotFound', message: /has no/ });
  await t.rejects(follow('--upload-pack=x'), { reason: 'Refused', message: /./ });
  await t.rejects(follow('a:b'), { reason: 'Refused', message: /./ });
  const gone = readAddress('file:///nowhere/at/all.git');
  await t.rejects(mirror.follow(gone, 'main', {}), { reason: 'Unreachable', message: /nowhere/ });
  const closed = readAddress('https://127.0.0.1:1/x.git');
  await t.rejects(mirror.follow(closed, 'main', {}), { reason: 'Unreachable', message: /./ });
});

t.test('addresses that could run something, or hold a login, are refused', async (t) => {
  for (const url of [
    'ext::sh -c id',
    'ext::sh',
    '-u./payload',
    '--upload-pack=touch /tmp/x',
    'ftp://host/x',
    'git://host/x',
    'https://user:secret@host/x',
    'https://user@host/x',
    'ssh://-oProxyCommand=id/x',
    'file://host/x',
    '/etc',
    'relative',
    '',
  ]) {
    t.throws(() => readAddress(url), SourceError, url);
  }
  t.notMatch(String(t.throws(() => readAddress('https://me:hunter2@h/x'))), /hunter2/);
  t.equal(readAddress('git@host:a/b.git').scheme, 'ssh');
  t.equal(readAddress('ssh://git@host:22/a').scheme, 'ssh');
});

t.test('links and submodules are not followed, hooks do not run', async (t) => {
  const { repository, mirror, place, follow } = setUp();
  const work = join(repository.path, '..', 'work');
  symlinkSync('/etc/passwd', join(work, 'link.yaml'));
  repository.commit({ a: '1' });
  const commit = repository.head;
  repository.git('update-index', '--add', '--cacheinfo', `160000,${commit},module`);
  const head = repository.push({ b: '2' });
  writeFileSync(join(repository.path, 'hooks/post-upload-pack'), '#!/bin/sh\ntouch /tmp/x', {
    mode: 0o755,
  });
  await follow();
  const tree = await mirror.tree(head);
  await t.rejects(tree.read('link.yaml'), { reason: 'Refused', message: /symbolic link/ });
  await t.rejects(tree.read('nothing'), { reason: 'NotFound', message: /no such file/ });
  t.equal(tree.entries.get('link.yaml')?.type, 'link');
  t.notOk(existsSync(join(place, 'hooks')), 'no template, no hooks');
  t.notOk(readdirSync(place).includes('access'), 'no credentials are left');
});

t.test('a repository larger than allowed is refused, and nothing of it kept', async (t) => {
  const { repository, place } = setUp();
  const mirror = new Mirror(place, { timeoutMs: 20_000, maxBytes: 100_000 });
  let noise = '';
  for (let i = 0; i < 40_000; i += 1) noise += Math.random().toString(36).slice(2);
  repository.push({ noise });
  const following = mirror.follow(readAddress(repository.url), 'main', {});
  await t.rejects(following, { reason: 'TooLarge', message: /./ });
});

t.test('git that hangs is ended', async (t) => {
  const { place } = setUp();
  const { createServer } = await import('node:net');
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const mirror = new Mirror(place, { timeoutMs: 700, maxBytes: 1 << 20 });
  const address = readAddress(`http://127.0.0.1:${port}/x.git`);
  await t.rejects(mirror.follow(address, 'main', {}), { reason: 'TimedOut', message: /./ });
});

t.test('ssh wants to know whom it speaks to', async (t) => {
  const { mirror } = setUp();
  const address = readAddress('ssh://git@127.0.0.1:1/x.git');
  const follow = (secret?: Record<string, string>) => mirror.follow(address, 'main', { secret });
  await t.rejects(follow(), { reason: 'Refused', message: /identity/ });
  await t.rejects(follow({ identity: 'k' }), { reason: 'Refused', message: /known_hosts/ });
  const http = readAddress('http://127.0.0.1:1/x.git');
  const login = { username: 'a', password: 'b' };
  await t.rejects(mirror.follow(http, 'main', { secret: login }), {
    reason: 'Refused',
    message: /./,
  });
});

t.test('a directory is a tree whose revision changes with its files', async (t) => {
  const root = folder();
  writeFileSync(join(root, 'a.yaml'), 'one');
  writeFileSync(join(root, '.hidden'), 'x');
  symlinkSync('/etc/passwd', join(root, 'link.yaml'));
  const first = await directoryTree(root);
  t.strictSame([...first.entries.keys()], ['a.yaml', 'link.yaml']);
  await t.rejects(first.read('link.yaml'), { reason: 'Refused', message: /./ });
  t.equal((await directoryTree(root)).revision, first.revision);
  writeFileSync(join(root, 'a.yaml'), 'two');
  t.not((await directoryTree(root)).revision, first.revision);
  await t.rejects(directoryTree(join(root, 'nowhere')), { reason: 'NotFound', message: /nowhere/ });
});

t.test('paths never lead out', async (t) => {
  t.equal(joined('apps/web', '../base'), 'apps/base');
  t.equal(joined('', '.'), '');
  for (const path of ['..', '../..', 'a/../../b', '/etc']) t.throws(() => joined('', path), path);
});
