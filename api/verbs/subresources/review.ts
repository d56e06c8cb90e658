/** Kinds that are questions: they are posted, answered in their status and never stored. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, invalid, type StatusError } from '#api/resources/status.ts';
import type { User } from '../../authentication/authentication.ts';
import {
  type Attributes,
  authorize,
  pathRules,
  rulesFor,
} from '../../authorization/authorization.ts';
import { decodeObject } from '../decode.ts';
import { type ApiRequest, objectAnswer, type Verb } from '../request.ts';
import { attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';

/** The review with its answer. Throws StatusError. */
type Answering = (review: KubeObject, request: ApiRequest) => KubeObject;

export const review: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ fieldValidation }) => decodeObject(request, context, fieldValidation)),
    E.chain(({ object, warnings }) =>
      pipe(
        answering(request),
        E.chain((answer) => attemptNow(() => answer(object, request))),
        E.map((answered) => ({ ...objectAnswer(request.kind, answered, 201), warnings })),
      ),
    ),
    TE.fromEither,
  );

function answering({ kind }: ApiRequest): E.Either<StatusError, Answering> {
  const answer = answers[`${kind.group}/${kind.kind}`];
  if (answer !== undefined) return E.right(answer);
  const message = `the server does not answer ${kind.kind}s`;
  return E.left(failure(501, 'NotImplemented', message));
}

const answers: Readonly<Record<string, Answering>> = {
  'authentication.k8s.io/SelfSubjectReview': (object, { user }) => ({
    ...object,
    status: { userInfo: userInfo(user) },
  }),
  // No tokens are issued, so none is known.
  'authentication.k8s.io/TokenReview': (object) => ({
    ...object,
    status: { user: {}, error: 'unknown token' },
  }),
  'authorization.k8s.io/SelfSubjectAccessReview': (object, { user }) =>
    decided(object, user, 'SelfSubjectAccessReview'),
  'authorization.k8s.io/SubjectAccessReview': (object) =>
    decided(object, subjectOf(object), 'SubjectAccessReview'),
  'authorization.k8s.io/LocalSubjectAccessReview': (object, { namespace }) => {
    const asked = objectOr(objectOr(object['spec'])['resourceAttributes'])['namespace'];
    if (asked === namespace) return decided(object, subjectOf(object), 'LocalSubjectAccessReview');
    throw badRequest('namespace of the resource attributes must be that of the request');
  },
  'authorization.k8s.io/SelfSubjectRulesReview': (object, { user }) => ({
    ...object,
    status: {
      resourceRules: rulesFor(user).map(({ verbs, groups, resources }) => ({
        verbs,
        apiGroups: groups,
        resources,
      })),
      nonResourceRules: pathRules.map(({ verbs, paths }) => ({ verbs, nonResourceURLs: paths })),
      incomplete: false,
    },
  }),
};

function userInfo({ name, groups, uid, extra }: User): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}

function subjectOf(object: KubeObject): User {
  const spec = objectOr(object['spec']);
  const groups = Array.isArray(spec['groups']) ? spec['groups'].map(String) : [];
  const name = stringOr(spec['user']);
  if (name !== '' || groups.length > 0) return { name, groups };
  const message = 'Invalid value: "": at least one of user or group must be specified';
  throw invalid({ group: 'authorization.k8s.io', kind: object.kind }, '', [
    { reason: 'FieldValueInvalid', field: 'spec.user', message },
  ]);
}

function decided(object: KubeObject, user: User, kind: string): KubeObject {
  const spec = objectOr(object['spec']);
  const { resourceAttributes, nonResourceAttributes } = spec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const message =
      'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid({ group: 'authorization.k8s.io', kind }, '', [
      { reason: 'FieldValueInvalid', field: 'spec.resourceAttributes', message },
    ]);
  }
  const { allowed, reason } = authorize(
    resourceAttributes === undefined
      ? pathAttributes(user, objectOr(nonResourceAttributes))
      : resourceAttributesOf(user, objectOr(resourceAttributes)),
  );
  return { ...object, status: { allowed, ...(reason === '' ? {} : { reason }) } };
}

function pathAttributes(user: User, asked: Record<string, unknown>): Attributes {
  return { user, verb: stringOr(asked['verb']), path: stringOr(asked['path']) };
}

function resourceAttributesOf(user: User, asked: Record<string, unknown>): Attributes {
  const given = (field: string): Record<string, string> => {
    const value = stringOr(asked[field]);
    return value === '' ? {} : { [field]: value };
  };
  return {
    user,
    verb: stringOr(asked['verb']),
    group: stringOr(asked['group']),
    resource: stringOr(asked['resource']),
    ...given('subresource'),
    ...given('namespace'),
    ...given('name'),
  };
}
