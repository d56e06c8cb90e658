import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import {
  issuer,
  ServiceAccountTokens,
  type TokenOrder,
} from '#api/authentication/service-account-tokens.ts';
import { readTokenKeys } from '#api/authentication/token-keys.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';

function pair(type: 'ec' | 'rsa') {
  const { privateKey, publicKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

const account = { name: 'robot', uid: 'a1' };
const order: TokenOrder = { namespace: 'shop', account, audiences: [issuer], seconds: 600 };

async function rig(t: { teardown(run: () => unknown): void }) {
  const storage = createMemoryStorage();
  const object = {
    kind: 'ServiceAccount',
    apiVersion: 'v1',
    metadata: { ...account, namespace: 'shop' },
  };
  await storage.put('/registry/serviceaccounts/shop/robot', Buffer.from(JSON.stringify(object)), {
    expectedRevision: 0,
  });
  const cache = await WatchCache.start(storage, { prefix: '/registry/' });
  t.teardown(() => {
    cache.close();
    return storage.close();
  });
  const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
  const tokens = (keys: ReturnType<typeof readTokenKeys>) =>
    new ServiceAccountTokens(keys, cache, () => new Date(clock.ms));
  return { clock, tokens };
}

t.test('a token lasts as long as it says, and longer where that was ordered', async (t) => {
  const { clock, tokens } = await rig(t);
  const { privatePem, publicPem } = pair('ec');
  const own = tokens(readTokenKeys(privatePem, publicPem));
  const plain = own.issue(order);
  const extended = own.issue({ ...order, graceSeconds: 86_400 });
  t.strictSame(plain.expires, extended.expires, 'the client is told the life it asked for');
  clock.ms += 600_000;
  t.ok(own.verify(plain.token));
  clock.ms += 1_000;
  t.throws(() => own.verify(plain.token), /expired/);
  t.ok(own.verify(extended.token));
  clock.ms += 86_400_000;
  t.throws(() => own.verify(extended.token), /expired/);
});

t.test('a token from the future is not taken yet', async (t) => {
  const { clock, tokens } = await rig(t);
  const { privatePem, publicPem } = pair('ec');
  const own = tokens(readTokenKeys(privatePem, publicPem));
  const { token } = own.issue(order);
  clock.ms -= 120_000;
  t.throws(() => own.verify(token), /not valid yet/);
});

t.test('keys are exchanged while tokens of the old one still work', async (t) => {
  const { tokens } = await rig(t);
  const [old, next] = [pair('rsa'), pair('ec')];
  const { token } = tokens(readTokenKeys(old.privatePem, old.publicPem)).issue(order);
  const both = tokens(readTokenKeys(next.privatePem, `${next.publicPem}${old.publicPem}`));
  t.equal(both.verify(token).user.name, 'system:serviceaccount:shop:robot');
  t.ok(both.verify(both.issue(order).token));
  const alone = tokens(readTokenKeys(next.privatePem, next.publicPem));
  t.throws(() => alone.verify(token), /not issued by this cluster/);
});
