/**
 * Pod Security: what a namespace's labels ask of its pods. `enforce` refuses, `warn` tells the client, `audit` is for
 * the audit log (`staging/src/k8s.io/pod-security-admission`).
 */
import { equalJson, type JsonObject, objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { forbidden, invalid, type StatusCause, type StatusError } from '#api/resources/status.ts';
import { baseline } from './baseline.ts';
import { allContainers, type Check, type PodParts } from './containers.ts';
import { restricted } from './restricted.ts';

const prefix = 'pod-security.kubernetes.io/';
const latestMinor = 36;

const levels: Readonly<Record<string, readonly Check[]>> = {
  privileged: [],
  baseline,
  restricted,
};

interface Policy {
  readonly level: string;
  readonly version: string;
}

export type Mode = 'enforce' | 'warn' | 'audit';

const versionPattern = /^(latest|v1\.\d{1,3})$/;

/** What the namespace asks for in a mode. A level that is none counts as the strictest, a version as the latest. */
function policyOf(namespace: KubeObject | undefined, mode: Mode): Policy {
  const labels = namespace?.metadata.labels ?? {};
  const level = labels[`${prefix}${mode}`] ?? 'privileged';
  const version = labels[`${prefix}${mode}-version`] ?? 'latest';
  return {
    level: Object.hasOwn(levels, level) ? level : 'restricted',
    version: versionPattern.test(version) ? version : 'latest',
  };
}

/** What a namespace lets no pod pass by. */
export const enforcedLevel = (namespace: KubeObject | undefined): string =>
  policyOf(namespace, 'enforce').level;

const minorOf = ({ version }: Policy): number =>
  version === 'latest' ? latestMinor : Number(version.slice('v1.'.length));

/** How the pod violates the policy, in one line; `''` if it does not. */
export function violations(policy: Policy, pod: PodParts): string {
  return (levels[policy.level] ?? restricted)
    .map((check) => check(pod, minorOf(policy)))
    .filter((one) => one !== undefined)
    .map(({ reason, detail }) => `${reason} (${detail})`)
    .join(', ');
}

const shown = ({ level, version }: Policy): string => JSON.stringify(`${level}:${version}`);

const partsOf = (pod: KubeObject): PodParts => ({
  metadata: pod.metadata,
  spec: objectOr(pod['spec']),
});

/** Images and containers are all that matters of a pod's update: the rest cannot change. */
function isSignificant(pod: KubeObject, old: KubeObject): boolean {
  const images = (one: KubeObject) =>
    allContainers(objectOr(one['spec'])).map(({ name, image }) => [name, image]);
  return !equalJson(images(pod), images(old));
}

/** 403 if the pod violates what is enforced; `warn` is told of what is only warned of. */
export function checkPod(
  pod: KubeObject,
  old: KubeObject | undefined,
  namespace: KubeObject | undefined,
  warn: (text: string) => void,
): StatusError | undefined {
  if (old !== undefined && !isSignificant(pod, old)) return undefined;
  const enforced = policyOf(namespace, 'enforce');
  const why = violations(enforced, partsOf(pod));
  if (why !== '') {
    const message = `violates PodSecurity ${shown(enforced)}: ${why}`;
    return forbidden({ group: '', plural: 'pods' }, pod.metadata.name, message);
  }
  warnOf(partsOf(pod), namespace, warn);
  return undefined;
}

function warnOf(pod: PodParts, namespace: KubeObject | undefined, warn: (text: string) => void) {
  const policy = policyOf(namespace, 'warn');
  const why = violations(policy, pod);
  if (why !== '') warn(`would violate PodSecurity ${shown(policy)}: ${why}`);
}

/** The template of a workload; absent in kinds that make no pods. */
function templateOf(object: KubeObject): JsonObject | undefined {
  const spec = objectOr(object['spec']);
  const job = objectOr(objectOr(spec['jobTemplate'])['spec']);
  const template = object['template'] ?? spec['template'] ?? job['template'];
  return template === undefined ? undefined : objectOr(template);
}

/** Warns of a workload whose pods would violate what is warned of: its controller would be told, but who listens? */
export function warnOfWorkload(
  object: KubeObject,
  namespace: KubeObject | undefined,
  warn: (text: string) => void,
): void {
  const template = templateOf(object);
  if (template === undefined) return;
  const metadata = objectOr(template['metadata']);
  warnOf({ metadata, spec: objectOr(template['spec']) }, namespace, warn);
}

/** 422 for labels that name no level or version. */
export function checkNamespaceLabels(
  namespace: KubeObject,
  old: KubeObject | undefined,
): StatusError | undefined {
  const { name, labels = {} } = namespace.metadata;
  const causes: StatusCause[] = [];
  for (const mode of ['enforce', 'audit', 'warn'] as const) {
    const check = (key: string, isGood: (value: string) => boolean, detail: string) => {
      const value = labels[key];
      if (value === undefined || isGood(value) || value === old?.metadata.labels?.[key]) return;
      const message = `Invalid value: ${JSON.stringify(value)}: ${detail}`;
      causes.push({ reason: 'FieldValueInvalid', field: `metadata.labels[${key}]`, message });
    };
    const known = 'must be one of privileged, baseline, restricted';
    check(`${prefix}${mode}`, (value) => Object.hasOwn(levels, value), known);
    const versions = 'must be "latest" or "v1.x"';
    check(`${prefix}${mode}-version`, (value) => versionPattern.test(value), versions);
  }
  return causes.length === 0 ? undefined : invalid({ group: '', kind: 'Namespace' }, name, causes);
}

/** Tells which pods of a namespace violate what is enforced from now on; they go on running. */
export function warnOfExisting(
  namespace: KubeObject,
  old: KubeObject,
  pods: () => readonly KubeObject[],
  warn: (text: string) => void,
): void {
  const [now, before] = [policyOf(namespace, 'enforce'), policyOf(old, 'enforce')];
  if (now.level === 'privileged' || (now.level === before.level && now.version === before.version))
    return;
  const all = pods().map((pod) => ({
    name: pod.metadata.name,
    why: violations(now, partsOf(pod)),
  }));
  const wrong = all.filter(({ why }) => why !== '');
  if (wrong.length === 0) return;
  const { name } = namespace.metadata;
  warn(
    `existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level ${shown(now)}`,
  );
  const byWhy = new Map<string, string[]>();
  for (const { name: pod, why } of wrong) byWhy.set(why, [...(byWhy.get(why) ?? []), pod]);
  for (const [why, names] of byWhy) {
    const more = names.length - 1;
    const others = more === 0 ? '' : ` (and ${more} other ${more === 1 ? 'pod' : 'pods'})`;
    const reasons = [...why.matchAll(/(?:^|\), )([^()]+) \(/g)].map(([, reason]) => reason);
    warn(`${names[0]}${others}: ${reasons.join(', ')}`);
  }
}

/** Whether anything of the namespace is judged: most are not. */
export const isJudged = (namespace: KubeObject | undefined): boolean =>
  Object.keys(namespace?.metadata.labels ?? {}).some((key) => key.startsWith(prefix));
