/** Labels and annotations for all, also in what selects and in what is made from templates. */
import type { KubeObject } from '#api/resources/meta.ts';
import { addPairs, byRules, type FieldRule } from './fields.ts';
import type { Kustomization } from './kustomization.ts';

type Pairs = Readonly<Record<string, string>>;

const templated = [
  'ReplicationController',
  'Deployment',
  'ReplicaSet',
  'DaemonSet',
  'StatefulSet',
  'Job',
];
const selecting = ['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'];

const own: readonly FieldRule[] = [{ path: 'metadata/labels', create: true }];

const templates: readonly FieldRule[] = [
  { path: 'spec/template/metadata/labels', create: true, kinds: templated },
  { path: 'spec/volumeClaimTemplates[]/metadata/labels', create: true, kinds: ['StatefulSet'] },
  { path: 'spec/jobTemplate/metadata/labels', create: true, kinds: ['CronJob'] },
  { path: 'spec/jobTemplate/spec/template/metadata/labels', create: true, kinds: ['CronJob'] },
];

/** Selectors within a pod's spec. */
const placements = ['podAffinity', 'podAntiAffinity'].flatMap((affinity) => [
  `affinity/${affinity}/requiredDuringSchedulingIgnoredDuringExecution[]/labelSelector/matchLabels`,
  `affinity/${affinity}/preferredDuringSchedulingIgnoredDuringExecution[]/podAffinityTerm/labelSelector/matchLabels`,
]);

const selectors: readonly FieldRule[] = [
  { path: 'spec/selector', create: true, kinds: ['Service', 'ReplicationController'] },
  { path: 'spec/selector/matchLabels', create: true, kinds: selecting },
  { path: 'spec/selector/matchLabels', kinds: ['Job', 'PodDisruptionBudget'] },
  { path: 'spec/jobTemplate/spec/selector/matchLabels', kinds: ['CronJob'] },
  { path: 'spec/podSelector/matchLabels', kinds: ['NetworkPolicy'] },
  { path: 'spec/ingress[]/from[]/podSelector/matchLabels', kinds: ['NetworkPolicy'] },
  { path: 'spec/egress[]/to[]/podSelector/matchLabels', kinds: ['NetworkPolicy'] },
  ...[...placements, 'topologySpreadConstraints[]/labelSelector/matchLabels'].map((path) => ({
    path: `spec/template/spec/${path}`,
    kinds: ['Deployment', 'ReplicaSet', 'StatefulSet'],
  })),
];

const annotated: readonly FieldRule[] = [
  { path: 'metadata/annotations', create: true },
  { path: 'spec/template/metadata/annotations', create: true, kinds: templated },
  { path: 'spec/jobTemplate/metadata/annotations', create: true, kinds: ['CronJob'] },
  { path: 'spec/jobTemplate/spec/template/metadata/annotations', create: true, kinds: ['CronJob'] },
];

const isEmpty = (pairs: Pairs): boolean => Object.keys(pairs).length === 0;

/** Numbers and truth values that people forget to quote are meant as text. */
const textual = (pairs: Readonly<Record<string, unknown>>): Pairs =>
  Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, String(value)]));

/** Changes the object as the kustomization says. */
export function label(object: KubeObject, kustomization: Kustomization): void {
  const { commonLabels, labels = [], commonAnnotations } = kustomization;
  const add = (pairs: Pairs, rules: readonly FieldRule[]) =>
    isEmpty(pairs) || byRules(object, rules, addPairs(pairs));
  for (const { pairs = {}, includeSelectors = false, includeTemplates = false } of labels) {
    const rules = includeSelectors ? [...own, ...templates, ...selectors] : [...own];
    if (includeTemplates && !includeSelectors) rules.push(...templates);
    add(textual(pairs), rules);
  }
  add(textual(commonLabels ?? {}), [...own, ...templates, ...selectors]);
  add(textual(commonAnnotations ?? {}), annotated);
}
