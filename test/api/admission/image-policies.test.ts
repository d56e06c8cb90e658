/** What ImagePolicies refuse by name alone, whichever way the image comes into a pod. */
import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import {
  type AdmissionContext,
  admitCreate,
  admitPodPart,
  admitUpdate,
} from '#api/admission/admit.ts';
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const pods = createKinds().ofObject('v1', 'Pod') as Kind;
const pod = (spec: JsonObject): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'x', namespace: 'default' },
  spec,
});
const namespace: KubeObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'default' },
};
const context: AdmissionContext = { namespace: () => namespace, priorityClasses: () => [] };

function refused(target: KubeObject, within: AdmissionContext): StatusError {
  const result = admitCreate(pods, target, within);
  if (isRight(result)) throw new Error('was admitted');
  return result.left;
}

t.test(
  'images that a policy refuses by their names come in by no kind of container (CVE-2023-2727)',
  async (t) => {
    const policy = (name: string, spec: ImagePolicy['spec']): ImagePolicy => ({
      ...{ apiVersion: 'bayplan.dev/v1alpha1', kind: 'ImagePolicy' },
      metadata: { name },
      spec,
    });
    const imagePolicies = () => [
      policy('pinned', { images: ['registry.example/**'], requireDigest: true }),
      policy('hub', { images: ['library/*'], reject: true }),
      policy('signed', { images: ['signed.example/*'], signedBy: [{ name: 'a', key: 'k' }] }),
    ];
    const within = { ...context, imagePolicies };
    const digest = `@sha256:${'a'.repeat(64)}`;
    const good = { name: 'c', image: `registry.example/a/b:1${digest}` };
    const fine = pod({ containers: [good, { name: 'd', image: 'signed.example/x:1' }] });
    t.ok(isRight(admitCreate(pods, fine, within)));
    const cases: [JsonObject, string][] = [
      [
        { containers: [good, { name: 'x', image: 'registry.example/a/b:1' }] },
        'spec.containers[1].image',
      ],
      [
        { containers: [good], initContainers: [{ name: 'x', image: 'busybox' }] },
        'spec.initContainers[0].image',
      ],
      [
        { containers: [good], volumes: [{ name: 'v', image: { reference: 'docker.io/nginx:1' } }] },
        'spec.volumes[0].image.reference',
      ],
    ];
    for (const [spec, field] of cases) {
      const { status } = refused(pod(spec), within);
      t.equal(status.code, 403);
      t.match(status.message, field);
    }
    t.match(
      refused(pod({ containers: [{ name: 'c', image: 'busybox:1' }] }), within).message,
      'pods "x" is forbidden: spec.containers[0].image "busybox:1": the ImagePolicy "hub" refuses images of docker.io/library/busybox',
    );
    const created = admitCreate(
      pods,
      pod({ containers: [{ name: 'c', image: 'busybox:1' }] }),
      context,
    );
    if (isLeft(created)) throw created.left;
    const before = created.right;
    const changed = (image: string) => {
      const next = cloneJson(before);
      const [container] = (next['spec'] as { containers: { image: string }[] }).containers;
      if (container !== undefined) container.image = image;
      return admitUpdate(pods, next, before, within);
    };
    t.ok(isRight(changed('busybox:1')), 'what is there may stay');
    t.ok(isRight(changed(`signed.example/x:2`)));
    const debug = [{ name: 'd', image: 'busybox:2', targetContainerName: 'c' }];
    const object = cloneJson(before);
    (object['spec'] as JsonObject)['ephemeralContainers'] = debug;
    const debugged = admitPodPart(pods, 'ephemeralcontainers', { object, old: before }, within);
    t.match(isLeft(debugged) && debugged.left.message, /spec\.ephemeralContainers\[0\]\.image/);
    const unwanted = changed('registry.example/a:2');
    t.ok(isLeft(unwanted));
    t.match(
      isLeft(unwanted) && unwanted.left.message,
      /wants images of registry\.example\/a named/,
    );
  },
);
