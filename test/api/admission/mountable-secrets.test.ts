/** Accounts that name the Secrets which their pods may use: no way into a pod is forgotten. */
import { isLeft, isRight, type Right } from 'fp-ts/lib/Either.js';
import t from 'tap';
import { type AdmissionContext, admitCreate, admitPodPart } from '#api/admission/admit.ts';
import type { JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const pods = createKinds().ofObject('v1', 'Pod') as Kind;
const namespace: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'default' },
};

const withAccount = (enforce: string | undefined): AdmissionContext => ({
  namespace: () => namespace,
  priorityClasses: () => [],
  serviceAccount: (_, name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      name,
      ...(enforce === undefined
        ? {}
        : { annotations: { 'kubernetes.io/enforce-mountable-secrets': enforce } }),
    },
    secrets: [{ name: 'listed' }],
    imagePullSecrets: [{ name: 'pull' }],
    automountServiceAccountToken: false,
  }),
});

const container = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  image: 'x',
  ...more,
});
const pod = (spec: JsonObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec: { serviceAccountName: 'limited', containers: [container('main')], ...spec },
});

/** Every way in which a container's environment can name a Secret. */
const environments = (secret: string): readonly (readonly [JsonObject, RegExp])[] => [
  [
    { env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: secret, key: 'k' } } }] },
    /with envVar KEY referencing secret\.secretName="hidden"/,
  ],
  [{ envFrom: [{ secretRef: { name: secret } }] }, /with envFrom referencing secret\.secretName/],
];

const specs = (secret: string): readonly (readonly [JsonObject, RegExp])[] => [
  ...environments(secret).flatMap(
    ([more, wording]) =>
      [
        [{ containers: [container('main', more)] }, wording],
        [{ initContainers: [container('init', more)] }, wording],
      ] as const,
  ),
  [
    { volumes: [{ name: 'v', secret: { secretName: secret } }] },
    /volume with secret\.secretName="hidden"/,
  ],
  [
    { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: secret } }] } }] },
    /volume with secret\.secretName="hidden"/,
  ],
  [
    { imagePullSecrets: [{ name: secret === 'listed' ? 'pull' : secret }] },
    /imagePullSecrets\[0\]\.name="hidden"/,
  ],
];

t.test(
  'a pod uses no Secret that its account does not list (CVE-2024-3177: envFrom)',
  async (t) => {
    for (const [spec, wording] of specs('hidden')) {
      for (const enforce of ['true', '1', 'T']) {
        const refused = admitCreate(pods, pod(spec), withAccount(enforce));
        if (isRight(refused)) {
          t.fail(`admitted: ${JSON.stringify(spec)}`);
          continue;
        }
        t.equal(refused.left.code, 403, refused.left.message);
        t.match(refused.left.message, wording);
        t.match(refused.left.message, /is not allowed because service account limited does not/);
      }
      for (const enforce of [undefined, 'false', 'yes']) {
        t.ok(isRight(admitCreate(pods, pod(spec), withAccount(enforce))), JSON.stringify(spec));
      }
    }
    for (const [spec] of specs('listed')) {
      t.ok(isRight(admitCreate(pods, pod(spec), withAccount('true'))), JSON.stringify(spec));
    }
  },
);

t.test('nor do containers that are added later (CVE-2023-2728)', async (t) => {
  const context = withAccount('true');
  const running = (admitCreate(pods, pod({}), context) as Right<KubeObject>).right;
  const added = (more: JsonObject): KubeObject => ({
    ...running,
    spec: { ...(running['spec'] as JsonObject), ephemeralContainers: [container('debug', more)] },
  });
  const admit = (object: KubeObject, within: AdmissionContext) =>
    admitPodPart(pods, 'ephemeralcontainers', { object, old: running }, within);
  for (const [more, wording] of environments('hidden')) {
    const refused = admit(added(more), context);
    t.ok(isLeft(refused), JSON.stringify(more));
    if (isLeft(refused)) t.match(refused.left.message, wording);
    if (isLeft(refused)) t.match(refused.left.message, /ephemeral container debug/);
    t.ok(isRight(admit(added(more), withAccount('false'))), 'the account does not ask for it');
  }
  for (const [more] of environments('listed')) t.ok(isRight(admit(added(more), context)));
});
