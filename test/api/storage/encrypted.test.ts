/** Secrets at rest: what the store holds is ciphertext in Kubernetes' own format, and rotation leaves nothing behind. */
import { createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  encryptionFile,
  ensureEncryptionKeys,
  readEncryptionKeys,
  rotateEncryptionKeys,
} from '#api/pki/encryption-keys.ts';
import { withEncryption } from '#api/server/encryption.ts';
import { encryptSecrets, Keys, reencrypt } from '#api/storage/encrypted.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { storageSuite } from '../../suites/storage.ts';
import { waitFor } from '../../support/cluster.ts';

const key = (name: string) => ({ name, bytes: randomBytes(32) });
const at = '/registry/secrets/default/a';
const value = Buffer.from(
  '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"},"data":{"canary":"x"}}',
);
const fail = (name: string, error: unknown) => t.fail(`${name}: ${error}`);

await storageSuite(t, async () =>
  encryptSecrets(createMemoryStorage(), new Keys([key('key1')]), fail),
);

t.test('the bytes are those of Kubernetes, bound to their place', async (t) => {
  const inner = createMemoryStorage();
  const first = key('key1');
  const store = encryptSecrets(inner, new Keys([first]), () => undefined);
  await store.put(at, value, { expectedRevision: 0 });
  const held = (await inner.get(at))?.value ?? Buffer.alloc(0);
  t.notOk(held.includes('canary'));
  const head = 'k8s:enc:aesgcm:v1:key1:';
  t.equal(held.toString('latin1', 0, head.length), head);
  // As Go opens it: nonce, then the sealed text with its tag, the etcd key as additional data.
  const body = held.subarray(head.length);
  const decipher = createDecipheriv('aes-256-gcm', first.bytes, body.subarray(0, 12));
  decipher.setAAD(Buffer.from(at)).setAuthTag(body.subarray(-16));
  const plain = Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]);
  t.strictSame(plain, value);
  t.strictSame((await store.get(at))?.value, value);
  await inner.put('/registry/secrets/default/b', held, { expectedRevision: 0 });
  t.strictSame((await store.get('/registry/secrets/default/b'))?.value, held, 'moved: not read');
  const changed = Buffer.from(held);
  changed[changed.length - 20] = (changed[changed.length - 20] ?? 0) ^ 1;
  await inner.put('/registry/secrets/default/c', changed, { expectedRevision: 0 });
  t.strictSame(
    (await store.get('/registry/secrets/default/c'))?.value,
    changed,
    'changed: not read',
  );
});

t.test('other kinds stay as they are, and old plain secrets are read', async (t) => {
  const inner = createMemoryStorage();
  const store = encryptSecrets(inner, new Keys([key('key1')]), fail);
  await store.put('/registry/configmaps/default/a', value, { expectedRevision: 0 });
  t.strictSame((await inner.get('/registry/configmaps/default/a'))?.value, value);
  await inner.put(at, value, { expectedRevision: 0 });
  t.strictSame((await store.get(at))?.value, value);
});

t.test('after a rotation everything is under the new key, and readable', async (t) => {
  const inner = createMemoryStorage();
  const old = key('key1');
  const keys = new Keys([old]);
  const store = encryptSecrets(inner, keys, fail);
  for (let i = 0; i < 250; i++) await store.put(`${at}${i}`, value, { expectedRevision: 0 });
  await inner.put(`${at}-plain`, value, { expectedRevision: 0 });
  const next = key('key2');
  keys.replace([next, old]);
  t.equal(await reencrypt(inner, keys, fail), 251);
  t.equal(await reencrypt(inner, keys, fail), 0);
  const { items } = await inner.range('/registry/secrets/');
  t.ok(items.every((one) => one.value.toString('latin1').startsWith('k8s:enc:aesgcm:v1:key2:')));
  keys.replace([next]);
  t.ok((await store.range('/registry/secrets/')).items.every((one) => one.value.equals(value)));
});

t.test('a running server takes a new key by itself', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'bay-keys-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, encryptionFile);
  await ensureEncryptionKeys(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const before = readFileSync(path, 'utf8');
  await ensureEncryptionKeys(path);
  t.equal(readFileSync(path, 'utf8'), before, 'what is there stays');
  const inner = createMemoryStorage();
  const store = await withEncryption(inner, dir, () => undefined);
  await store.put(at, value, { expectedRevision: 0 });
  t.equal(await rotateEncryptionKeys(path), 'key2');
  t.strictSame(
    (await readEncryptionKeys(path)).map(({ name }) => name),
    ['key2', 'key1'],
  );
  await waitFor('the secret to be under the new key', async () => {
    const held = (await inner.get(at))?.value.toString('latin1') ?? '';
    return held.startsWith('k8s:enc:aesgcm:v1:key2:') ? true : undefined;
  });
  t.strictSame((await store.get(at))?.value, value);
  await store.close();
});

t.test('a broken file of keys is never replaced: it says what is wrong', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'bay-keys-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, encryptionFile);
  for (const [text, wanted] of [
    ['{', /read the encryption keys .*encryption\.json: /],
    ['{"resources":[{"providers":[{"aesgcm":{"keys":[]}}]}]}', /there is no aesgcm key in it/],
    [
      '{"resources":[{"providers":[{"aesgcm":{"keys":[{"name":"a","secret":"short"}]}}]}]}',
      /aesgcm\.keys\[0\] is no key/,
    ],
  ] as const) {
    writeFileSync(path, text);
    await ensureEncryptionKeys(path);
    await t.rejects(readEncryptionKeys(path), wanted);
    t.equal(readFileSync(path, 'utf8'), text);
  }
});
