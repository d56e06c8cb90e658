/** Which Services select a pod, and which pods a Service selects, without looking at all of either. */
import { equalJson } from '#api/resources/json.ts';
import { keyOf } from '#api/resources/meta.ts';
import type { Pod, Service } from '#api/resources/types.ts';
import type { Cache, Change } from '#controller/runtime/cache.ts';
import { isReady, isTerminating, selectsPods } from './pod-endpoint.ts';

const pair = (namespace: string | undefined, key: string, value: string): string =>
  `${namespace}/${key}=${value}`;

/** A Service under one of the labels it selects by: whatever it selects has that label. */
function firstLabel(service: Service): string[] {
  const first = selectsPods(service) ? Object.entries(service.spec?.selector ?? {})[0] : undefined;
  return first === undefined ? [] : [pair(service.metadata.namespace, ...first)];
}

const labelsOf = ({ metadata }: Pod): string[] =>
  Object.entries(metadata.labels ?? {}).map(([key, value]) => pair(metadata.namespace, key, value));

const selects = ({ spec }: Service, pod: Pod): boolean =>
  Object.entries(spec?.selector ?? {}).every(
    ([key, value]) => pod.metadata.labels?.[key] === value,
  );

/** What a Service's endpoints are made of. */
const facts = (pod: Pod): unknown => [
  pod.metadata.uid,
  pod.metadata.labels,
  isTerminating(pod),
  pod.spec?.nodeName,
  pod.status?.phase,
  pod.status?.podIP,
  pod.status?.podIPs,
  isReady(pod),
];

export class Selecting {
  readonly #services: Cache<Service>;
  readonly #pods: Cache<Pod>;

  constructor(services: Cache<Service>, pods: Cache<Pod>) {
    this.#services = services.addIndex('first-label', firstLabel);
    this.#pods = pods.addIndex('label', labelsOf);
  }

  /** The pods that the Service selects. */
  podsOf(service: Service): Pod[] {
    const near = Object.entries(service.spec?.selector ?? {}).map((entry) =>
      this.#pods.byIndex('label', pair(service.metadata.namespace, ...entry)),
    );
    const fewest = near.reduce((a, b) => (b.length < a.length ? b : a), near[0] ?? []);
    return fewest.filter((pod) => selects(service, pod));
  }

  /** The keys of the Services whose endpoints the change concerns. */
  changed({ before, after }: Change<Pod>): Iterable<string> {
    if (before !== undefined && after !== undefined && equalJson(facts(before), facts(after))) {
      return [];
    }
    const keys = new Set<string>();
    for (const pod of [before, after]) {
      if (pod !== undefined) for (const service of this.#selecting(pod)) keys.add(keyOf(service));
    }
    return keys;
  }

  #selecting(pod: Pod): Service[] {
    return labelsOf(pod)
      .flatMap((label) => this.#services.byIndex('first-label', label))
      .filter((service) => selects(service, pod));
  }
}
