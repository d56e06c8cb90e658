/** The way of a write between decoding and the store: defaults, the built-in plug-ins, validation. */
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { invalid, type StatusCause, type StatusError } from '#api/resources/status.ts';
import { type PodPart, withPodPart } from '../kinds/pod-parts.ts';
import { prepareStatusUpdate, prepareUpdate } from '../kinds/prepare.ts';
import { approvedRequest } from '../kinds/signing-request.ts';
import type { Kind } from '../schema/kind.ts';
import { ensureObject } from './defaults/fill.ts';
import { applyDefaults } from './defaults.ts';
import { refusedImages } from './image-policies.ts';
import { checkNamespace } from './namespace-lifecycle.ts';
import { type Cluster, runPlugins } from './plugins.ts';
import { resolvePriority, tolerateLostNodes } from './pod-admission.ts';
import {
  admitMoreContainers,
  admitServiceAccount,
  isMirror,
  nameServiceAccount,
} from './service-account.ts';
import {
  validateApproval,
  validateCreate,
  validatePodPart,
  validateStatusUpdate,
  validateUpdate,
} from './validate.ts';

/** What admission must know of the rest of the cluster; read from caches, so nothing waits here. */
export interface AdmissionContext {
  namespace(name: string): KubeObject | undefined;
  priorityClasses(): readonly KubeObject[];
  /** Absent: no plug-in of `plugins.ts` is asked. */
  readonly cluster?: Cluster;
  /** Absent: images are not looked at. */
  readonly imagePolicies?: () => readonly ImagePolicy[];
  /** Absent: accounts are not looked at. */
  readonly serviceAccount?: (namespace: string, name: string) => KubeObject | undefined;
}

interface Judged {
  readonly object: KubeObject;
  readonly old?: KubeObject;
  readonly causes: readonly StatusCause[];
  readonly cluster?: Cluster | undefined;
}

/** Validation's word, then that of the plug-ins that judge. */
function verdict(
  kind: Kind,
  { object, old, causes, cluster }: Judged,
): Either<StatusError, KubeObject> {
  if (causes.length > 0) return left(invalid(kind, object.metadata.name ?? '', causes));
  const refused = runPlugins('judge', kind, { object, old }, cluster);
  return refused === undefined ? right(object) : left(refused);
}

function admitPod(pod: KubeObject, context: AdmissionContext): StatusError | undefined {
  const spec = ensureObject(pod, 'spec');
  if (!isMirror(pod)) nameServiceAccount(spec);
  const { serviceAccount } = context;
  const refused = serviceAccount && admitServiceAccount(pod, serviceAccount);
  if (refused !== undefined) return refused;
  const policies = context.imagePolicies?.() ?? [];
  const unwanted = refusedImages(pod, policies);
  if (unwanted !== undefined) return unwanted;
  tolerateLostNodes(spec);
  return resolvePriority(pod, context.priorityClasses());
}

/** As `admitPrepared`, for an object without its defaults. The object passed in is not changed. */
export const admitCreate = (
  kind: Kind,
  object: KubeObject,
  context: AdmissionContext,
): Either<StatusError, KubeObject> => admitPrepared(kind, applyDefaults(kind, object), context);

/**
 * The object as it may be created: `metadata.namespace` and the final `metadata.name` must be set. Left: 404 no such
 * namespace, 403 refused by a plug-in, 422 invalid. `defaulted` has its defaults (`prepareCreate`) and is changed.
 */
export function admitPrepared(
  kind: Kind,
  defaulted: KubeObject,
  context: AdmissionContext,
): Either<StatusError, KubeObject> {
  const whyNot = checkNamespace(kind, defaulted, (name) => context.namespace(name));
  if (whyNot !== undefined) return left(whyNot);
  if (kind.group === '' && kind.kind === 'Pod') {
    const refused = admitPod(defaulted, context);
    if (refused !== undefined) return left(refused);
  }
  const { cluster } = context;
  const changed = runPlugins('change', kind, { object: defaulted, old: undefined }, cluster);
  if (changed !== undefined) return left(changed);
  const causes = validateCreate(kind, defaulted);
  return verdict(kind, { object: defaulted, causes, cluster });
}

/**
 * The object as it may replace `old`: with its defaults, prepared (`prepareUpdate`, which must see the defaults to
 * know whether the spec changed), valid by itself and as a change of `old`. Left: 403 for an image that a policy
 * refuses, 422.
 */
export function admitUpdate(
  kind: Kind,
  object: KubeObject,
  old: KubeObject,
  { imagePolicies, cluster }: Partial<AdmissionContext> = {},
): Either<StatusError, KubeObject> {
  const prepared = prepareUpdate(kind, applyDefaults(kind, object), old);
  if (kind.group === '' && kind.kind === 'Pod') {
    const unwanted = refusedImages(prepared, imagePolicies?.() ?? [], old);
    if (unwanted !== undefined) return left(unwanted);
  }
  return verdict(kind, {
    object: prepared,
    old,
    causes: validateUpdate(kind, prepared, old),
    cluster,
  });
}

/** As `admitUpdate`, for `/status`: prepared by `prepareStatusUpdate`; the spec is the stored one. Left: 422. */
export function admitStatusUpdate(
  kind: Kind,
  object: KubeObject,
  old: KubeObject,
): Either<StatusError, KubeObject> {
  const prepared = prepareStatusUpdate(kind, object, old);
  return verdict(kind, { object: prepared, causes: validateStatusUpdate(kind, prepared, old) });
}

/** As `admitUpdate`, for `/approval`. Left: 422. */
export function admitApproval(
  kind: Kind,
  object: KubeObject,
  old: KubeObject,
): Either<StatusError, KubeObject> {
  const { resourceVersion, managedFields } = object.metadata;
  const approved = approvedRequest(object, old);
  approved.metadata = { ...approved.metadata };
  if (resourceVersion !== undefined) approved.metadata.resourceVersion = resourceVersion;
  if (managedFields !== undefined) approved.metadata.managedFields = managedFields;
  return verdict(kind, { object: approved, old, causes: validateApproval(kind, approved, old) });
}

/**
 * As `admitUpdate`, for a subresource that changes one part of a pod. Left: 403 for an image that a policy refuses or a
 * Secret that the pod's account does not list, 422.
 */
export function admitPodPart(
  kind: Kind,
  part: PodPart,
  { object, old }: { readonly object: KubeObject; readonly old: KubeObject },
  { imagePolicies, cluster, serviceAccount }: Partial<AdmissionContext> = {},
): Either<StatusError, KubeObject> {
  const merged = withPodPart(part, applyDefaults(kind, object), old);
  const prepared = prepareUpdate(kind, merged, old);
  const unwanted =
    refusedImages(prepared, imagePolicies?.() ?? [], old) ??
    (serviceAccount && part === 'ephemeralcontainers'
      ? admitMoreContainers(prepared, serviceAccount)
      : undefined);
  if (unwanted !== undefined) return left(unwanted);
  return verdict(kind, {
    object: prepared,
    old,
    causes: validatePodPart(kind, part, prepared, old),
    cluster,
  });
}
