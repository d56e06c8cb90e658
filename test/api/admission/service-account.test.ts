/** What a pod gets from its service account. */
import t from 'tap';
import { admitServiceAccount } from '#api/admission/service-account.ts';
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

function admitted(spec: JsonObject, account: JsonObject | undefined) {
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n' },
    spec: { serviceAccountName: 'a', containers: [{ name: 'main' }], ...spec },
  };
  const held = account && { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } };
  const error = admitServiceAccount(pod, () => held && ({ ...held, ...account } as KubeObject));
  return { error, spec: pod['spec'] as JsonObject };
}

t.test("an account's imagePullSecrets are those of pods that name none", async (t) => {
  const account = { imagePullSecrets: [{ name: 'one' }, { name: 'two' }] };
  const plain = admitted({}, account);
  t.equal(plain.error, undefined);
  t.strictSame(plain.spec['imagePullSecrets'], [{ name: 'one' }, { name: 'two' }]);
  const own = admitted({ imagePullSecrets: [{ name: 'own' }] }, account);
  t.strictSame(own.spec['imagePullSecrets'], [{ name: 'own' }]);
  t.equal(admitted({}, {}).spec['imagePullSecrets'], undefined);
});

t.test('a token is mounted unless the pod, or else the account, says no', async (t) => {
  const mounts = (spec: JsonObject, account: JsonObject): number => {
    const [main] = admitted(spec, account).spec['containers'] as JsonObject[];
    return ((main?.['volumeMounts'] ?? []) as unknown[]).length;
  };
  const no = { automountServiceAccountToken: false };
  t.equal(mounts({}, {}), 1);
  t.equal(mounts({}, no), 0);
  t.equal(mounts(no, {}), 0);
  t.equal(mounts({ automountServiceAccountToken: true }, no), 1, 'the pod has the last word');
});

t.test('no pod runs as nobody', async (t) => {
  t.match(admitted({}, undefined).error, {
    code: 403,
    message: /error looking up service account n\/a: serviceaccount "a" not found/,
  });
});
