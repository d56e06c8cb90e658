/**
 * The templates a StatefulSet or DaemonSet had, kept as ControllerRevisions, so that a pod's template can be told and
 * `kubectl rollout history` and `undo` work. Pure. After pkg/controller/history.
 */
import type { ApiObject } from '#api/client/collection.ts';
import { ownerReferenceTo } from '#api/resources/meta.ts';
import type { ControllerRevision, LabelSelector, PodTemplateSpec } from '#api/resources/types.ts';
import { canonicalJson, stableSuffix } from '#controller/runtime/stable-name.ts';
import { isLeaving } from './pod-state.ts';

/** On pods: of which revision they are. */
export const revisionLabel = 'controller-revision-hash';

/** The kinds that keep revisions. */
export type Versioned = ApiObject & {
  spec?: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number };
  status?: { collisionCount?: number };
};

export interface History {
  /** The revision of the template of now, to be made, renumbered or as it is. */
  readonly update: ControllerRevision;
  readonly write: 'create' | 'renumber' | 'nothing';
  /** Those that are there, the oldest first. */
  readonly revisions: readonly ControllerRevision[];
}

/** What a revision keeps: the template, as a patch that puts it back whole. */
const dataOf = (template: PodTemplateSpec | undefined) => ({
  spec: { template: { ...template, $patch: 'replace' } },
});

/** The template that the revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { spec } = (revision.data ?? {}) as { spec?: { template?: object } };
  const { $patch: _, ...template } = (spec?.template ?? {}) as Record<string, unknown>;
  return template as unknown as PodTemplateSpec;
}

const textOf = (revision: ControllerRevision): string => canonicalJson(templateOf(revision));

const numberOf = ({ revision }: ControllerRevision): number => Number(revision ?? 0);

const byNumber = (a: ControllerRevision, b: ControllerRevision): number =>
  numberOf(a) - numberOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1);

/** `held`: the owner's revisions. A template that comes again gets its old revision under the next number. */
export function historyOf(
  owner: Versioned,
  held: readonly ControllerRevision[],
  hashLabel: string,
): History {
  const revisions = held.toSorted(byNumber);
  const wanted = canonicalJson(owner.spec?.template);
  const same = revisions.findLast((revision) => textOf(revision) === wanted);
  const newest = revisions.at(-1);
  const next = newest === undefined ? 1 : numberOf(newest) + 1;
  if (same === undefined) {
    return { update: newRevision(owner, wanted, next, hashLabel), write: 'create', revisions };
  }
  if (same === newest) return { update: same, write: 'nothing', revisions };
  return { update: { ...same, revision: next }, write: 'renumber', revisions };
}

/** Its name follows from the template and the number of collisions: a repeated create finds its own work. */
function newRevision(
  owner: Versioned,
  text: string,
  revision: number,
  hashLabel: string,
): ControllerRevision {
  const { name, namespace } = owner.metadata;
  const { template } = owner.spec ?? {};
  const hash = stableSuffix(`${text}/${owner.status?.collisionCount ?? 0}`, 10);
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template?.metadata?.labels, [hashLabel]: hash },
      annotations: keptAnnotations(owner),
      ownerReferences: [ownerReferenceTo(owner)],
    },
    data: dataOf(template),
    revision,
  };
}

/** The owner's annotations, from which `kubectl rollout history` takes the cause of a change; not what kubectl applied. */
function keptAnnotations({ metadata }: Versioned): Record<string, string> {
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...kept } =
    metadata.annotations ?? {};
  return kept;
}

/** Whether two revisions keep the same template. */
export const isSameRevision = (a: ControllerRevision, b: ControllerRevision): boolean =>
  textOf(a) === textOf(b);

/** The oldest revisions beyond the history limit that nothing is of any more. */
export function forgottenRevisions(
  owner: Versioned,
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
): ControllerRevision[] {
  const limit = owner.spec?.revisionHistoryLimit ?? 10;
  const idle = revisions.filter((each) => !isLive(each) && !isLeaving(each as never));
  return idle.slice(0, Math.max(0, idle.length - limit));
}
