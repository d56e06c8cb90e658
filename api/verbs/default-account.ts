/** A pod that follows its namespace by milliseconds waits for the account that every namespace gets. */
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { defaultAccount, isMirror } from '../admission/service-account.ts';
import type { Kind } from '../schema/kind.ts';
import type { ApiContext } from './request.ts';

/** About as long as kube-apiserver looks for it (ten times, 100 to 200 ms apart). */
const waitMs = 1500;

/** Resolves once the namespace has its default account, or is late with it; `undefined`: nothing is to be waited for. */
export function defaultAccountComing(
  kind: Kind,
  pod: KubeObject,
  { cache, withoutAdmission }: ApiContext,
): Promise<void> | undefined {
  if (kind.kind !== 'Pod' || kind.group !== '' || withoutAdmission?.has('ServiceAccount')) {
    return undefined;
  }
  const { namespace = '' } = pod.metadata;
  const name = stringOr(objectOr(pod['spec'])['serviceAccountName']);
  const key = `/registry/serviceaccounts/${namespace}/${defaultAccount}`;
  if ((name !== '' && name !== defaultAccount) || cache.get(key) !== undefined) return undefined;
  if (isMirror(pod) || cache.get(`/registry/namespaces/${namespace}`) === undefined) {
    return undefined;
  }
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      unfollow();
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    const unfollow = cache.watch(key, cache.revision, done);
  });
}
