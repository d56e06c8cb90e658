/** Kinds that are questions: they are posted, answered in their status and never stored. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest, failure, invalid, type StatusError } from '#api/resources/status.ts';
import { tokenUser } from '../../authentication/authentication.ts';
import { issuer, TokenRefused } from '../../authentication/service-account-tokens.ts';
import { nodeOfUser, type User, userInfo } from '../../authentication/user.ts';
import type { Attributes, Authorizer } from '../../authorization/attributes.ts';
import { decodeObject } from '../decode.ts';
import { type ApiContext, type ApiRequest, objectAnswer, type Verb } from '../request.ts';
import { attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';

/** The review with its answer. Throws StatusError. */
type Answering = (review: KubeObject, request: ApiRequest, context: ApiContext) => KubeObject;

export const review: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ fieldValidation }) => decodeObject(request, context, fieldValidation)),
    E.chain(({ object, warnings }) =>
      pipe(
        answering(request),
        E.chain((answer) => attemptNow(() => answer(object, request, context))),
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
  'authentication.k8s.io/TokenReview': reviewToken,
  'authorization.k8s.io/SelfSubjectAccessReview': (object, { user }, context) =>
    decided(object, user, context),
  'authorization.k8s.io/SubjectAccessReview': (object, _, context) =>
    decided(object, subjectOf(object), context),
  'authorization.k8s.io/LocalSubjectAccessReview': (object, { namespace }, context) => {
    const asked = objectOr(objectOr(object['spec'])['resourceAttributes'])['namespace'];
    if (asked === namespace) return decided(object, subjectOf(object), context);
    throw badRequest('namespace of the resource attributes must be that of the request');
  },
  'authorization.k8s.io/SelfSubjectRulesReview': (object, { user }, { authorizer }) => ({
    ...object,
    status: rulesStatus(object, user, authorizer),
  }),
};

/** Never says why a token does not count to more than its reviewer. */
function reviewToken(object: KubeObject, _: ApiRequest, { tokens }: ApiContext): KubeObject {
  const spec = objectOr(object['spec']);
  const { token } = spec;
  if (typeof token !== 'string' || token === '') {
    throw badRequest('token is required for TokenReview in authentication');
  }
  const asked = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
  try {
    const { user, audiences } = tokenUser(token, tokens, asked.length === 0 ? [issuer] : asked);
    return { ...object, status: { authenticated: true, user: userInfo(user), audiences } };
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    return { ...object, status: { user: {}, error: error.message } };
  }
}

/** What nodes may read depends on their pods: no rules say it. */
const incompleteness = (user: User): object =>
  nodeOfUser(user) === undefined
    ? { incomplete: false }
    : {
        incomplete: true,
        evaluationError: 'node authorizer does not support user rule resolution',
      };

function rulesStatus(object: KubeObject, user: User, authorizer: Authorizer): object {
  const namespace = stringOr(objectOr(object['spec'])['namespace']);
  if (namespace === '') throw badRequest('no namespace on request');
  const rules = authorizer.rules(user, namespace);
  return {
    resourceRules: rules
      .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length === 0)
      .map(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    ...incompleteness(user),
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

function decided(object: KubeObject, user: User, { authorizer }: ApiContext): KubeObject {
  const spec = objectOr(object['spec']);
  const { resourceAttributes, nonResourceAttributes } = spec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const message =
      'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid({ group: 'authorization.k8s.io', kind: object.kind }, '', [
      { reason: 'FieldValueInvalid', field: 'spec.resourceAttributes', message },
    ]);
  }
  const { allowed, reason } = authorizer.authorize(
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
