/** What admission asks of the rest of the cluster, answered from the watch cache. */

import type { ImagePolicy } from '#api/resources/image-policy.ts';
import type { AdmissionContext } from '../admission/admit.ts';
import type { ApiContext } from './request.ts';

const namespaces = '/registry/namespaces/';
const priorityClasses = '/registry/priorityclasses/';
const imagePolicies = '/registry/bayplan.dev/imagepolicies/';
const serviceAccounts = '/registry/serviceaccounts/';

const none: ReadonlySet<string> = new Set();

export function admissionContext({ cache, withoutAdmission, warn }: ApiContext): AdmissionContext {
  return {
    cluster: {
      find: (key) => cache.get(key)?.object(),
      all: (prefix) => cache.list(prefix).entries.map((entry) => entry.object()),
      warn: (text) => warn?.(text),
      without: withoutAdmission ?? none,
    },
    namespace: (name) => cache.get(`${namespaces}${name}`)?.object(),
    priorityClasses: () => cache.list(priorityClasses).entries.map((entry) => entry.object()),
    imagePolicies: () =>
      cache.list(imagePolicies).entries.map((entry) => entry.object() as unknown as ImagePolicy),
    ...(withoutAdmission?.has('ServiceAccount')
      ? {}
      : {
          serviceAccount: (namespace, name) =>
            cache.get(`${serviceAccounts}${namespace}/${name}`)?.object(),
        }),
  };
}
