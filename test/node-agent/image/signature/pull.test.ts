/** Pulls under ImagePolicies: what is signed as they say comes in, what is not does not, each with its reason. */
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import type { Authority, ImagePolicy, ImagePolicySpec } from '#api/resources/image-policy.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { BadRegistry, send, types } from '../../../support/bad-registry.ts';
import {
  attachBundle,
  attachSimple,
  bundleOf,
  simpleByKey,
  simpleKeyless,
} from '../../../support/cosign.ts';
import { folder } from '../../../support/image-store.ts';
import { smallLayers } from '../../../support/registry-store.ts';
import { needsRoot, scratch } from '../../../support/scratch.ts';
import { ecPair, Fulcio, type Pair, pem, Rekor } from '../../../support/sigstore.ts';

needsRoot();
const directory = scratch('signatures');

const policy = (name: string, spec: ImagePolicySpec): ImagePolicy => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'ImagePolicy',
  metadata: { name },
  spec,
});
const byKey = ({ publicKey }: Pair, name = 'release'): Authority => ({ name, key: pem(publicKey) });

async function rig(t: { teardown(run: () => unknown): void }) {
  const registry = await BadRegistry.start();
  t.teardown(() => registry.close());
  const dataDir = directory();
  const policies: ImagePolicy[] = [];
  const open = () =>
    openImages({
      dataDir,
      policies: async () => policies,
      registry: {
        idleMs: 500,
        retry: { tries: 2, baseMs: 1, maxMs: 2, longestAskedMs: 10 },
        env: {},
      },
    });
  const { manifest } = registry.image('team/app', '1', { layers: smallLayers() });
  const name = `${registry.host}/team/app:1`;
  const demand = (...signedBy: Authority[]) => {
    policies.splice(
      0,
      policies.length,
      policy('team', { images: [`${registry.host}/team/**`], signedBy }),
    );
  };
  const { digest } = manifest;
  return { registry, dataDir, policies, demand, open, images: await open(), name, digest };
}

const kinds: Record<string, () => Pair> = {
  'ECDSA P-256': ecPair,
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: () => generateKeyPairSync('ed25519'),
};
for (const [kind, make] of Object.entries(kinds)) {
  t.test(`a signature with a key of the kind ${kind} lets the image in`, async (t) => {
    const { registry, images, demand, name, digest, dataDir } = await rig(t);
    const pair = make();
    demand(byKey(pair));
    await t.rejects(images.pull(name), {
      code: 'Untrusted',
      message: `pull ${name}: the ImagePolicy "team" wants ${registry.host}/team/app signed by release: it has no signature`,
    });
    t.strictSame(folder(dataDir, 'blobs/sha256'), [], 'nothing of it was fetched');
    attachSimple(registry, 'team/app', digest, [simpleByKey(digest, name, make())]);
    await t.rejects(images.pull(name), { message: /the signature \w{12}: made with another key$/ });
    attachSimple(registry, 'team/app', digest, [
      simpleByKey(digest, name, make()),
      simpleByKey(digest, name, pair),
    ]);
    t.strictSame((await images.pull(name)).tags, [name]);
  });
}

t.test('a good signature of another image, or of something else, counts for nothing', async (t) => {
  const { registry, images, demand, name, digest } = await rig(t);
  const pair = ecPair();
  demand(byKey(pair));
  const other = `sha256:${'a'.repeat(64)}`;
  attachSimple(registry, 'team/app', digest, [simpleByKey(other, name, pair)]);
  await t.rejects(images.pull(name), { message: new RegExp(`made for ${other}$`) });
  const payload = Buffer.from(
    JSON.stringify({ critical: { image: { 'docker-manifest-digest': digest }, type: 'receipt' } }),
  );
  const layer = simpleByKey(digest, name, pair);
  attachSimple(registry, 'team/app', digest, [{ ...layer, payload }]);
  await t.rejects(images.pull(name), { message: /made with another key$/ });
});

t.test('a signature of an index covers the images in it', async (t) => {
  const { registry, images, demand, digest } = await rig(t);
  const pair = ecPair();
  demand(byKey(pair));
  const index = registry.manifest('team/app', 'all', types.index, {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [
      {
        mediaType: types.manifest,
        digest,
        size: 1,
        platform: { os: 'linux', architecture: 'amd64' },
      },
    ],
  });
  const name = `${registry.host}/team/app:all`;
  attachSimple(registry, 'team/app', index.digest, [simpleByKey(index.digest, name, pair)]);
  t.equal((await images.pull(name)).digest, digest);
});

t.test(
  'keyless signatures of both forms are checked with what the policy trusts alone',
  async (t) => {
    const { registry, images, demand, name, digest, open, dataDir } = await rig(t);
    const [fulcio, rekor] = [new Fulcio(), new Rekor()];
    const holder = {
      issuer: 'https://token.example',
      subject: 'https://code.example/team/app/.ci/release.yml@refs/heads/main',
    };
    const keyless = { fulcio, rekor, holder, pair: ecPair() };
    demand({
      name: 'ci',
      keyless: {
        identities: [
          { issuer: holder.issuer, subject: 'https://code.example/team/*@refs/heads/main' },
        ],
        trustRoot: {
          certificates: fulcio.root,
          logKeys: pem(rekor.key.publicKey),
          certificateLogKeys: pem(fulcio.log.publicKey),
        },
      },
    });
    attachSimple(registry, 'team/app', digest, [simpleByKey(digest, name, ecPair())]);
    await t.rejects(images.pull(name), { message: /made with a key, without a certificate$/ });
    attachSimple(registry, 'team/app', digest, [simpleKeyless(digest, name, keyless)]);
    await images.pull(name);
    await images.remove(name);
    registry.manifests.delete(`team/app:sha256-${digest.slice(7)}.sig`);
    t.strictSame((await images.pull(name)).tags, [name], 'what was found once is remembered');
    await images.remove(name);
    t.ok(folder(dataDir, '').includes('trusted.json'));
    const { rmSync } = await import('node:fs');
    rmSync(`${dataDir}/images/trusted.json`);
    const again = await open();
    await t.rejects(again.pull(name), { message: /it has no signature/ });
    attachBundle(registry, 'team/app', digest, bundleOf(digest, keyless));
    t.strictSame((await again.pull(name)).tags, [name]);
  },
);

t.test('an image that is here must be found good, too, before it is trusted', async (t) => {
  const { registry, images, demand, name, digest, open, policies } = await rig(t);
  const { id } = await images.pull(name);
  t.equal(await images.isTrusted(name), true);
  const pair = ecPair();
  demand(byKey(pair));
  for (const reference of [name, `${registry.host}/team/app@${digest}`, id]) {
    t.equal(await images.isTrusted(reference), false, reference);
  }
  await t.rejects(images.pull(name), { code: 'Untrusted' });
  await t.rejects(images.pull(`${registry.host}/team/app@${digest}`), { code: 'Untrusted' });
  attachSimple(registry, 'team/app', digest, [simpleByKey(digest, name, pair)]);
  registry.seen.length = 0;
  await images.pull(name);
  t.equal(await images.isTrusted(name), true);
  t.equal(await images.isTrusted(id), true);
  registry.meet = (_request, response) => send(response, 503, '');
  t.equal(await (await open()).isTrusted(name), true, 'a node without its registry goes on');
  demand(byKey(ecPair()));
  t.equal(await images.isTrusted(name), false, 'another policy is another question');
  policies.length = 0;
  t.equal(await images.isTrusted(name), true);
});

t.test('names alone can be refused', async (t) => {
  const { registry, images, policies, name, digest } = await rig(t);
  policies.push(policy('pinned', { images: [`${registry.host}/**`], requireDigest: true }));
  await t.rejects(images.pull(name), {
    code: 'Untrusted',
    message: /the ImagePolicy "pinned" wants images of \S+\/team\/app named by their digest/,
  });
  const pinned = `${registry.host}/team/app@${digest}`;
  await images.pull(pinned);
  t.equal(await images.isTrusted(pinned), true);
  policies.push(policy('closed', { images: [`${registry.host}/team/*`], reject: true }));
  await t.rejects(images.pull(pinned), { message: /the ImagePolicy "closed" refuses images of/ });
  t.equal(await images.isTrusted(pinned), false);
});

t.test('a policy that cannot be used lets nothing in', async (t) => {
  const { images, demand, name, registry, digest } = await rig(t);
  attachSimple(registry, 'team/app', digest, [simpleByKey(digest, name, ecPair())]);
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const wrong: [Authority, RegExp][] = [
    [{ name: 'a', key: 'garbage' }, /signedBy "a": key holds no public key in PEM/],
    [{ name: 'a', key: pem(weak) }, /has 1024 bits: RSA needs 2048/],
    [{ name: 'a' }, /signedBy "a" has neither key nor keyless/],
  ];
  for (const [authority, message] of wrong) {
    demand(authority);
    await t.rejects(images.pull(name), { code: 'Untrusted', message });
  }
  demand();
  await t.rejects(images.pull(name), { message: /the policy names nobody/ });
});

t.test('a registry that lies about signatures is no way in', async (t) => {
  const { registry, images, demand, name, digest } = await rig(t);
  const pair = ecPair();
  demand(byKey(pair));
  const layer = simpleByKey(digest, name, pair);
  attachSimple(registry, 'team/app', digest, [layer]);
  let answer: (url: string) => number | Buffer | undefined = () => 500;
  registry.meet = (_request, response, url) => {
    const found = /\.sig|\/referrers\/|blobs/.test(url) ? answer(url) : undefined;
    if (typeof found === 'number') return send(response, found, '');
    return found !== undefined && send(response, 200, found);
  };
  await t.rejects(images.pull(name), { code: 'Registry', message: /answered 500/ });
  answer = (url) => (url.includes('.sig') ? Buffer.from('[]') : undefined);
  await t.rejects(images.pull(name), { message: /the signatures sha256-\w+\.sig/ });
  answer = (url) => (url.includes('/blobs/') ? Buffer.alloc(100) : undefined);
  await t.rejects(images.pull(name), { message: /the content is not that of its digest/ });
  answer = (url) => (url.includes('/blobs/') ? Buffer.alloc(2 << 20) : undefined);
  await t.rejects(images.pull(name), { message: /the answer is longer than 1048576 bytes/ });
  answer = () => undefined;
  await images.pull(name);
});
