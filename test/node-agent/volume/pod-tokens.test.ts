import t from 'tap';
import type { Collection } from '#api/client/collection.ts';
import type { Pod, ServiceAccount } from '#api/resources/types.ts';
import { PodTokens } from '#node-agent/volume/pod-tokens.ts';

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { serviceAccountName: 'robot', containers: [] },
};

function rig() {
  const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
  const asked: unknown[] = [];
  const api = { fails: false };
  const accounts = {
    createSubresource: async (ref: unknown, subresource: string, body: unknown) => {
      if (api.fails) throw new Error('the API is away');
      asked.push({ ref, subresource, body });
      const { expirationSeconds } = (body as { spec: { expirationSeconds: number } }).spec;
      const expirationTimestamp = new Date(clock.ms + expirationSeconds * 1000).toISOString();
      return { status: { token: `token-${asked.length}`, expirationTimestamp } };
    },
  } as unknown as Collection<ServiceAccount>;
  return { clock, asked, api, tokens: new PodTokens(accounts, () => clock.ms) };
}

const source = { path: 'token', audience: 'vault', expirationSeconds: 1000 };

t.test('a token is asked for as the pod wants it and bound to the pod', async (t) => {
  const { asked, tokens } = rig();
  t.equal((await tokens.token(pod, source)).text, 'token-1');
  t.match(asked, [
    {
      ref: { namespace: 'ns', name: 'robot' },
      subresource: 'token',
      body: {
        spec: {
          audiences: ['vault'],
          expirationSeconds: 1000,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' },
        },
      },
    },
  ]);
});

t.test('a token is kept for four fifths of its life, then there is another', async (t) => {
  const { clock, tokens } = rig();
  await tokens.token(pod, source);
  clock.ms += 799_000;
  t.equal((await tokens.token(pod, source)).text, 'token-1');
  t.equal((await tokens.token(pod, { path: 'other' })).text, 'token-2', 'one for each purpose');
  clock.ms += 2_000;
  t.equal((await tokens.token(pod, source)).text, 'token-3');
});

t.test('while the API is away the old token serves as long as it lasts', async (t) => {
  const { clock, api, tokens } = rig();
  await tokens.token(pod, source);
  api.fails = true;
  clock.ms += 900_000;
  t.equal((await tokens.token(pod, source)).text, 'token-1');
  clock.ms += 200_000;
  await t.rejects(tokens.token(pod, source), /no token for the pod: the API is away/);
  api.fails = false;
  t.equal((await tokens.token(pod, source)).text, 'token-2');
});

t.test('a pod that is gone leaves no token behind', async (t) => {
  const { tokens } = rig();
  await tokens.token(pod, source);
  tokens.forget('u');
  t.equal((await tokens.token(pod, source)).text, 'token-2');
});
