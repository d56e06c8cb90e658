/** Images over a real registry, by bay and by kubectl: push, pull, run, private registries, failures. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { missingPrograms, startRegistry } from '../support/docker-registry.ts';
import { leftOver, machine } from '../support/machine.ts';
import { ecPair, pem } from '../support/sigstore.ts';

async function apply(cluster: TestCluster, document: object): Promise<void> {
  const path = join(directory, 'document.json');
  writeFileSync(path, JSON.stringify(document));
  const { code, stderr } = await cluster.kubectl('apply', '-f', path);
  t.equal(code, 0, stderr);
}

const missing = missingPrograms();
if (missing !== undefined) {
  t.pass('skipped', { skip: missing });
  process.exit();
}
t.setTimeout(200_000);
const before = machine();
const directory = mkdtempSync(join(tmpdir(), 'bayplan-test-registry-e2e-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

t.test('images over a registry', { timeout: 180_000 }, async (t) => {
  const registry = await startRegistry(directory);
  t.teardown(() => registry.stop());
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const name = `${registry.host}/team/box:1`;
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await t.test('tag, push, remove, pull and run', async (t) => {
    await good('tag', 'busybox', name);
    t.match(await good('push', name), /Pushed\n.*1: digest: sha256:[0-9a-f]{64}\n$/s);
    await good('rmi', name);
    t.notMatch(await good('images'), /team\/box/);
    t.match(
      await good('pull', name),
      new RegExp(`Already exists\\nDigest: sha256:[0-9a-f]{64}\\n${name}\\n$`),
    );
    t.match(
      await good('images', `${registry.host}/team/box`),
      /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n\S+team\/box +1 /,
    );
    t.equal(await good('run', '--rm', name, 'echo', 'from afar'), 'from afar\n');
  });
  await t.test('create pulls what is missing, and as --pull says', async (t) => {
    await good('rmi', name);
    const never = await cluster.bay('create', '--pull', 'never', name);
    t.match(never, { code: 1, stdout: '', stderr: /No such image: \S+team\/box:1/ });
    const made = await cluster.bay('create', '--name', 'pulled', name, 'echo', 'at last');
    t.match(made, { code: 0, stdout: /^[a-f0-9]{64}\n$/ });
    t.match(made.stderr, `Unable to find image '${name}' locally\n`);
    t.match(await good('images'), /team\/box/);
    t.equal(await good('start', '-a', 'pulled'), 'at last\n');
    const again = await cluster.bay('create', '--name', 'again', name);
    t.match(again, { code: 0, stderr: '' }, 'what is there is not pulled');
    const always = await cluster.bay('create', '--name', 'always', '--pull', 'always', name);
    t.match(always, { code: 0, stdout: /^[a-f0-9]{64}\n$/, stderr: /Already exists/ });
    const quiet = await cluster.bay('create', '--name', 'quiet', '-q', '--pull', 'always', name);
    t.match(quiet, { code: 0, stderr: '' });
    const gone = await cluster.bay('create', '--name', 'gone', `${registry.host}/team/none:1`);
    t.match(gone, { code: 1, stdout: '', stderr: /pull \S+team\/none:1: / });
    t.equal((await cluster.bay('inspect', 'gone')).code, 1, 'nothing is made of it');
    await good('rm', 'pulled', 'again', 'always', 'quiet');
  });
  await t.test('search, filters, inspect, and the guard of what is used', async (t) => {
    const found = await good('search', `${registry.host}/box`);
    t.match(found, new RegExp(`^NAME +DESCRIPTION +STARS +OFFICIAL\\n${registry.host}/team/box`));
    t.match(await good('images', '-q', '-f', 'reference=*/team/*'), /^[a-f0-9]{12}\n$/);
    t.equal(await good('images', '-q', '-f', 'dangling=true'), '');
    const format = '{{.Repository}} {{.Tag}}';
    t.match(await good('images', '--format', format), `${registry.host}/team/box 1`);
    t.match(await good('images', '--digests', '--no-trunc'), /DIGEST.*\n.*sha256:[a-f0-9]{64}/);
    const id = (await good('inspect', '-f', '{{.Id}}', 'busybox')).trim();
    t.match(id, /^sha256:[a-f0-9]{64}$/);
    t.match(JSON.parse(await good('image', 'inspect', name)), [{ Id: id, Os: 'linux' }]);
    t.match(await cluster.bay('inspect', 'nothing'), {
      code: 1,
      stderr: /No such object: nothing/,
    });

    await good(
      'commit',
      (await good('run', '-d', '--name', 'user', name, 'sleep', '60')).trim(),
      'used:1',
    );
    await good('run', '-d', '--name', 'other', 'used:1', 'sleep', '60');
    for (const state of ['running', 'stopped']) {
      const refused = await cluster.bay('rmi', 'used:1');
      t.match(
        refused,
        { code: 1, stderr: /conflict: .*used:1" \(must force\) - container other/ },
        state,
      );
      await good('stop', '-t', '0', 'other');
    }
    t.equal(await good('rmi', '-f', 'used:1'), 'Untagged: used:1\n');
    await good('start', 'other');
    await good('rm', '-f', 'other', 'user');
    await waitFor('what nobody uses to go', async () =>
      (await good('image', 'prune', '-f')).includes('deleted: sha256:') ? true : undefined,
    );
    t.match(await cluster.bay('rmi', 'used:1'), { code: 1, stderr: /No such image: used:1/ });
  });
  await t.test('a pod pulls its image by itself', async (t) => {
    await good('rmi', name);
    t.equal(await good('run', '--rm', name, 'echo', 'pulled'), 'pulled\n');
    await waitFor(
      'the event',
      async () => (await good('get', 'events')).includes('Successfully pulled image') || undefined,
    );
  });
  await t.test(
    'an Image document brings, names and sends content, and goes with its names',
    async (t) => {
      await good('rmi', name);
      const pushed = `${registry.host}/team/copy:1`;
      await apply(cluster, {
        apiVersion: 'bayplan.dev/v1alpha1',
        kind: 'Image',
        metadata: { name: 'box' },
        spec: { source: { reference: name }, tags: ['local/box:2'], push: [pushed] },
      });
      const wait = ['wait', '--for=condition=Pushed', '--timeout=30s', 'image/box'];
      t.equal((await cluster.kubectl(...wait)).code, 0);
      t.match(
        (await cluster.kubectl('get', 'image', 'box')).stdout,
        /box +Ready +\S+team\/box:1 +sha256:/,
      );
      t.match(await good('images'), /local\/box +2 /);
      t.match(await good('run', '--rm', 'local/box:2', 'echo', 'named'), 'named');
      const tags = await fetch(`http://${registry.host}/v2/team/copy/tags/list`);
      t.match(await tags.json(), { tags: ['1'] });
      t.equal((await cluster.kubectl('delete', 'image', 'box', '--timeout=30s')).code, 0);
      t.notMatch(await good('images'), /team\/box|local\/box|team\/copy/);
    },
  );
  await t.test(
    'an ImagePolicy keeps out what is not signed, and what is named by a tag',
    async (t) => {
      const { publicKey } = ecPair();
      await apply(cluster, {
        apiVersion: 'bayplan.dev/v1alpha1',
        kind: 'ImagePolicy',
        metadata: { name: 'team' },
        spec: {
          images: [`${registry.host}/team/**`],
          signedBy: [{ name: 'release', key: pem(publicKey) }],
        },
      });
      const pulled = await waitFor('the policy to be known', async () => {
        const tried = await cluster.bay('pull', name);
        return tried.code === 1 ? tried : undefined;
      });
      t.match(
        pulled.stderr,
        /the ImagePolicy "team" wants \S+ signed by release: it has no signature/,
      );
      const run = ['run', 'unsigned', `--image=${name}`, '--restart=Never'];
      t.equal((await cluster.kubectl(...run)).code, 0);
      await waitFor('the reason', async () => {
        const { stdout } = await cluster.kubectl('get', 'pod', 'unsigned', '-o', 'json');
        return stdout.includes('"reason": "SignatureValidationFailed"') || undefined;
      });
      t.equal((await cluster.kubectl('delete', 'pod', 'unsigned')).code, 0);
      const patch = JSON.stringify({ spec: { requireDigest: true } });
      const patched = await cluster.kubectl(
        'patch',
        'imagepolicy',
        'team',
        '--type=merge',
        '-p',
        patch,
      );
      t.equal(patched.code, 0, patched.stderr);
      const refused = await cluster.kubectl(...run);
      t.match(
        refused.stderr,
        /spec\.containers\[0\]\.image .* wants images of \S+ named by their digest/,
      );
      t.equal((await cluster.kubectl('delete', 'imagepolicy', 'team')).code, 0);
    },
  );
  await t.test('a login is checked, kept as docker keeps it, used and forgotten', async (t) => {
    const own = mkdtempSync(join(directory, 'guarded-'));
    // bcrypt of 'pass:word'
    const ada = 'ada:$2y$05$abcdefghijklmnopqrstuuDIEddBSuRWBBEY6g5zv60IAP5bSSfki';
    const guarded = await startRegistry(own, ada);
    t.teardown(() => guarded.stop());
    // Of this user alone: the node does not know the login.
    process.env['DOCKER_CONFIG'] = join(own, 'docker');
    t.teardown(() => delete process.env['DOCKER_CONFIG']);
    const config = join(own, 'docker/config.json');
    const box = `${guarded.host}/private/box:1`;
    await good('tag', 'busybox', box);
    t.match(await cluster.bay('push', box), { code: 1, stderr: /401 .*'bay login 127/ });
    const login = (password: string) =>
      cluster.bayInput(password, 'login', '-u', 'ada', '--password-stdin', guarded.host);
    t.match(await login('wrong'), { code: 1, stderr: /answered 401 Unauthorized/ });
    t.notOk(existsSync(config), 'what was refused is not kept');
    const done = await login('pass:word\n');
    t.match(done, { code: 0, stdout: 'Login Succeeded\n', stderr: /kept unencrypted/ });
    t.equal(statSync(config).mode & 0o777, 0o600);
    t.match(await good('push', box), /1: digest: sha256:/);
    await good('rmi', box);
    await good('pull', box);
    t.match(await good('search', `${guarded.host}/box`), `${guarded.host}/private/box`);
    t.equal(await good('logout', guarded.host), `Removing login credentials for ${guarded.host}\n`);
    t.strictSame(JSON.parse(readFileSync(config, 'utf8')), { auths: {} });
    t.match(await cluster.bay('push', box), { code: 1, stderr: /401/ });
    t.equal((await cluster.bay('search', `${guarded.host}/box`)).code, 1);
    t.match(await cluster.bay('login', guarded.host), { code: 2, stderr: /without a terminal/ });
    await good('rmi', box);
  });
  await t.test('what is not there is told by the registry', async (t) => {
    const absent = await cluster.bay('pull', `${registry.host}/team/none`);
    t.equal(absent.code, 1);
    t.match(
      absent.stderr,
      /answered 404 Not Found \(MANIFEST_UNKNOWN: manifest unknown\); check the name/,
    );
    const kubectl = ['run', 'none', `--image=${registry.host}/team/none`, '--restart=Never'];
    t.equal((await cluster.kubectl(...kubectl)).code, 0);
    await waitFor('the reason', async () => {
      const { stdout } = await cluster.kubectl(
        'get',
        'pod',
        'none',
        '-o',
        'jsonpath={.status.containerStatuses[0].state.waiting.reason}',
      );
      return /^(ErrImagePull|ImagePullBackOff)$/.test(stdout) || undefined;
    });
    t.equal((await cluster.kubectl('delete', 'pod', 'none')).code, 0);
  });
});

t.test('nothing is left on the machine', async (t) => {
  t.strictSame(await leftOver(before), {});
});
