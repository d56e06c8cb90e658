/** What admission asks of the rest of the cluster, answered from the watch cache. */
import type { AdmissionContext } from '../admission/admit.ts';
import type { WatchCache } from '../storage/watch-cache.ts';

const namespaces = '/registry/namespaces/';
const priorityClasses = '/registry/priorityclasses/';

export function admissionContext(cache: WatchCache): AdmissionContext {
  return {
    namespace: (name) => cache.get(`${namespaces}${name}`)?.object(),
    priorityClasses: () => cache.list(priorityClasses).entries.map((entry) => entry.object()),
  };
}
