/** Which function answers which verb on which subresource. */
import { failure, notFound, type StatusError } from '#api/resources/status.ts';
import type { PodPart } from '../kinds/pod-parts.ts';
import type { Kind } from '../schema/kind.ts';
import { create } from './create.ts';
import { deleteOne } from './delete.ts';
import { deleteCollection } from './delete-collection.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import { patch, patchApproval, patchPodPart, patchStatus } from './patch.ts';
import type { Verb } from './request.ts';
import { bind } from './subresources/binding.ts';
import { evict } from './subresources/eviction.ts';
import { finalize } from './subresources/finalize.ts';
import { review } from './subresources/review.ts';
import { getScale, patchScale, updateScale } from './subresources/scale.ts';
import { token } from './subresources/token.ts';
import { update, updateApproval, updatePodPart, updateStatus } from './update.ts';
import { usage } from './usage.ts';

type Table = Readonly<Record<string, Verb>>;

const main: Table = {
  get,
  list,
  create,
  update,
  patch,
  delete: deleteOne,
  deletecollection: deleteCollection,
};

const status: Table = { get, update: updateStatus, patch: patchStatus };

const podPart = (part: PodPart): Table => ({
  get,
  update: updatePodPart(part),
  patch: patchPodPart(part),
});

const subresources: Readonly<Record<string, Table>> = {
  status,
  approval: { get, update: updateApproval, patch: patchApproval },
  ephemeralcontainers: podPart('ephemeralcontainers'),
  resize: podPart('resize'),
  scale: { get: getScale, update: updateScale, patch: patchScale },
  binding: { create: bind },
  eviction: { create: evict },
  finalize: { update: finalize },
  token: { create: token },
};

function notAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return failure(405, 'MethodNotAllowed', message);
}

/** The verb's function. Throws 404 for a subresource the kind does not have, 405 for a verb it does not take. */
export function verbFor(kind: Kind, subresource: string | undefined, verb: string): Verb {
  if (subresource !== undefined) {
    const known = kind.subresources.some(({ name }) => name === subresource);
    const found = subresources[subresource];
    if (!known || found === undefined) throw notFound(kind, subresource);
    const run = found[verb];
    if (run === undefined) throw notAllowed();
    return run;
  }
  if (!kind.verbs.includes(verb)) throw notAllowed();
  if (kind.group === '' && kind.plural === 'bindings') return bind;
  if (kind.group === 'metrics.k8s.io') return usage;
  if (kind.virtual) return review;
  const run = main[verb];
  if (run === undefined) throw notAllowed();
  return run;
}
