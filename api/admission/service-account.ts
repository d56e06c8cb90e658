/**
 * Every pod runs as a service account that exists; unless it or the account says otherwise, its containers find a
 * token, the cluster's CA and the namespace under a well-known path (`plugin/pkg/admission/serviceaccount`).
 */
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { generateName } from '#api/resources/names.ts';
import { forbidden, type StatusError } from '#api/resources/status.ts';
import { ensureObject, isUnset } from './defaults/fill.ts';
import { unlistedSecret } from './mountable-secrets.ts';

const PODS = { group: '', plural: 'pods' };
export const defaultAccount = 'default';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and seven seconds: tells this request apart from those of people (KEP-1205). */
const tokenSeconds = 3607;
const mode = 0o644;

/** Mirror pods show what a node runs by itself: they have no account. */
const mirrorAnnotation = 'kubernetes.io/config.mirror';

export const isMirror = (pod: KubeObject): boolean =>
  pod.metadata.annotations?.[mirrorAnnotation] !== undefined;

/** Names the account where the pod does not. */
export function nameServiceAccount(spec: JsonObject): void {
  if (isUnset(spec['serviceAccountName'])) spec['serviceAccountName'] = defaultAccount;
  spec['serviceAccount'] = spec['serviceAccountName'];
}

const tokenVolume = (name: string): JsonObject => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [
            {
              path: 'namespace',
              fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
            },
          ],
        },
      },
    ],
    defaultMode: mode,
  },
});

function mountToken(spec: JsonObject): void {
  const volumes = objectsOf(spec['volumes']);
  const held = volumes.find(({ name }) => stringOr(name).startsWith(volumePrefix));
  const name = held === undefined ? generateName(volumePrefix) : stringOr(held['name']);
  let used = false;
  for (const container of ['initContainers', 'containers'].flatMap((of) => objectsOf(spec[of]))) {
    const mounts = objectsOf(container['volumeMounts']);
    if (mounts.some((mount) => mount['mountPath'] === mountPath)) continue;
    container['volumeMounts'] = [...mounts, { name, readOnly: true, mountPath }];
    used = true;
  }
  if (used && held === undefined) spec['volumes'] = [...volumes, tokenVolume(name)];
}

/** Changes the pod, which is a copy already. 403 if there is no such account. */
export function admitServiceAccount(
  pod: KubeObject,
  find: (namespace: string, name: string) => KubeObject | undefined,
): StatusError | undefined {
  if (isMirror(pod)) return undefined;
  const spec = ensureObject(pod, 'spec');
  const { name, namespace = '' } = pod.metadata;
  const accountName = stringOr(spec['serviceAccountName']);
  const account = find(namespace, accountName);
  if (account === undefined) {
    const why = `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`;
    return forbidden(PODS, name, why);
  }
  const unlisted = unlistedSecret(spec, account);
  if (unlisted !== undefined) return forbidden(PODS, name, unlisted);
  const wanted =
    spec['automountServiceAccountToken'] ?? account['automountServiceAccountToken'] ?? true;
  if (wanted === true) mountToken(spec);
  const secrets = objectsOf(account['imagePullSecrets']);
  if (objectsOf(spec['imagePullSecrets']).length === 0 && secrets.length > 0) {
    spec['imagePullSecrets'] = secrets.map((one) => ({ name: objectOr(one)['name'] }));
  }
  return undefined;
}

/** The same for a pod that exists and gets containers; 403 for a Secret that its account does not list. */
export function admitMoreContainers(
  pod: KubeObject,
  find: (namespace: string, name: string) => KubeObject | undefined,
): StatusError | undefined {
  const { name, namespace = '' } = pod.metadata;
  const spec = ensureObject(pod, 'spec');
  const account = isMirror(pod) ? undefined : find(namespace, stringOr(spec['serviceAccountName']));
  const unlisted = account && unlistedSecret(containersAlone(spec), account);
  return unlisted === undefined ? undefined : forbidden(PODS, name, unlisted);
}

/** Nothing else of a pod changes: what it has had from the start is judged no more. */
const containersAlone = (spec: JsonObject): JsonObject => ({
  ephemeralContainers: spec['ephemeralContainers'] ?? [],
});
