/** Jobs choose their pods by a label made of their own uid (`registry/batch/job/strategy.go`). */
import { isObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

const PREFIX = 'batch.kubernetes.io/';

/** Changes the job in place: labels on its template and the selector for them, unless `manualSelector` is true. */
export function selectByUid(job: KubeObject): void {
  const { spec } = job;
  if (!isObject(spec) || spec['manualSelector'] === true) return;
  const { uid = '', name } = job.metadata;
  const template = objectOr(spec['template']);
  const metadata = objectOr(template['metadata']);
  const labels = {
    ...objectOr(metadata['labels']),
    // The names without a prefix are older, and still read by many tools.
    'controller-uid': uid,
    'job-name': name,
    [`${PREFIX}controller-uid`]: uid,
    [`${PREFIX}job-name`]: name,
  };
  spec['template'] = { ...template, metadata: { ...metadata, labels } };
  spec['selector'] = { matchLabels: { [`${PREFIX}controller-uid`]: uid } };
}
