/** What a DELETE says beyond its URL: the body's DeleteOptions, or the same as query parameters. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { invalid, type StatusError } from '#api/resources/status.ts';
import type { DeletionOptions, PropagationPolicy } from '../kinds/deletion.ts';
import { decodeDeleteBody } from './decode.ts';
import type { ApiContext, ApiRequest } from './request.ts';
import { attemptNow } from './task.ts';
import { isDryRun } from './write-options.ts';

export interface DeleteOptions extends DeletionOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

/** The JSON form of `meta.k8s.io/v1 DeleteOptions`. */
export interface DeleteBody {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

const policies: readonly string[] = ['Background', 'Foreground', 'Orphan'];

/** The request's options; 400 or 422 if they make no sense. */
export function deleteOptions(
  request: ApiRequest,
  context: ApiContext,
): E.Either<StatusError, DeleteOptions> {
  return pipe(
    request.body.length === 0
      ? E.right(fromQuery(request.query))
      : decodeDeleteBody(request, context),
    E.chain((body) => attemptNow(() => checkedOptions(body, request.query))),
  );
}

function fromQuery(query: URLSearchParams): DeleteBody {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(grace === null || grace === '' ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
    ...(orphan === null || orphan === '' ? {} : { orphanDependents: orphan === 'true' }),
  };
}

function refuse(field: string, message: string): never {
  const cause = { reason: 'FieldValueInvalid', field, message };
  throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [cause]);
}

/** The options in their final form. Throws 422. */
export function checkedOptions(body: DeleteBody, query: URLSearchParams): DeleteOptions {
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions } = body;
  if (gracePeriodSeconds !== undefined && !Number.isInteger(gracePeriodSeconds)) {
    refuse('gracePeriodSeconds', `Invalid value: ${gracePeriodSeconds}: must be an integer`);
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    const known = policies.map((policy) => JSON.stringify(policy)).join(', ');
    refuse(
      'propagationPolicy',
      `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: ${known}`,
    );
  }
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    refuse(
      'propagationPolicy',
      'Invalid value: orphanDependents and deletionPropagation cannot be both set',
    );
  }
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined
      ? {}
      : { propagationPolicy: propagationPolicy as PropagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(preconditions === undefined ? {} : { preconditions }),
    dryRun: isDryRun([...(body.dryRun ?? []), ...query.getAll('dryRun')]),
  };
}
