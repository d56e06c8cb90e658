/** POST of `serviceaccounts/{name}/token`: a token for the account (`pkg/registry/core/serviceaccount/storage`). */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { type JsonObject, objectOr, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  badRequest,
  conflict,
  forbidden,
  invalid,
  notFound,
  type StatusCause,
} from '#api/resources/status.ts';
import { checkNodeToken } from '../../admission/node-token.ts';
import {
  issuer,
  type Named,
  type TokenOrder,
} from '../../authentication/service-account-tokens.ts';
import { nodeOfUser } from '../../authentication/user.ts';
import { nodeOf } from '../../authorization/node-graph.ts';
import { decodeBody } from '../../schema/decode.ts';
import { type ApiContext, type ApiRequest, objectAnswer, type Verb } from '../request.ts';
import { attemptNow } from '../task.ts';
import { writeOptions } from '../write-options.ts';
import { builtIn } from './binding.ts';

const standardSeconds = 3600;
const secondsMin = 600;
const secondsMax = 2 ** 32;
/** What the volume that admission gives every pod asks for: its holder may read it but once, so it works for a year. */
const podTokenSeconds = 3607;
const yearSeconds = 365 * 24 * 60 * 60;

export const token: Verb = (request, context) =>
  pipe(
    attemptNow(() => writeOptions(request.query)),
    E.chain(({ fieldValidation }) => {
      const kind = builtIn(context.kinds, 'authentication.k8s.io/v1', 'TokenRequest');
      const { body, contentType } = request;
      return decodeBody(kind, body, contentType, fieldValidation, context.kinds);
    }),
    E.chain(({ object, warnings }) =>
      pipe(
        attemptNow(() => granted(object, request, context)),
        E.map((answer) => ({ ...objectAnswer(request.kind, answer, 201), warnings })),
      ),
    ),
    TE.fromEither,
  );

function granted(asked: KubeObject, request: ApiRequest, context: ApiContext): KubeObject {
  const { kind, namespace = '', name = '' } = request;
  const account = context.cache.get(`/registry/serviceaccounts/${namespace}/${name}`)?.object();
  if (account === undefined) throw notFound(kind, name);
  const spec = objectOr(asked['spec']);
  const { seconds, audiences } = terms(spec, name);
  const reference = objectOr(spec['boundObjectRef']);
  const node = nodeOfUser(request.user);
  if (node !== undefined) {
    const why = checkNodeToken({ node, namespace, reference, audiences }, context.cache);
    if (why !== undefined) throw forbidden(kind, name, why);
  }
  const bound = Object.keys(reference).length === 0 ? {} : boundTo(reference, request, context);
  const order: TokenOrder = {
    namespace,
    account: { name, uid: account.metadata.uid ?? '' },
    audiences,
    seconds,
    ...(seconds === podTokenSeconds && bound.pod !== undefined && audiences.includes(issuer)
      ? { graceSeconds: yearSeconds }
      : {}),
    ...bound,
  };
  const issued = context.tokens.accounts.issue(order);
  const status = {
    token: issued.token,
    expirationTimestamp: `${issued.expires.toISOString().slice(0, 19)}Z`,
  };
  const creationTimestamp = `${context.now().toISOString().slice(0, 19)}Z`;
  return {
    ...asked,
    metadata: { ...asked.metadata, name, namespace, creationTimestamp },
    spec: { ...spec, audiences, expirationSeconds: seconds },
    status,
  };
}

function terms(spec: JsonObject, name: string): { seconds: number; audiences: string[] } {
  const seconds = Number(spec['expirationSeconds'] ?? standardSeconds);
  const problem =
    seconds < secondsMin
      ? 'may not specify a duration less than 10 minutes'
      : seconds > secondsMax
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem !== undefined) {
    const message = `Invalid value: ${seconds}: ${problem}`;
    const cause: StatusCause = {
      reason: 'FieldValueInvalid',
      message,
      field: 'spec.expirationSeconds',
    };
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [cause]);
  }
  const asked = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
  return { seconds, audiences: asked.length === 0 ? [issuer] : asked };
}

const plurals: Readonly<Record<string, string>> = {
  Pod: 'pods',
  Secret: 'secrets',
  Node: 'nodes',
};

/** The object that the token goes with. Throws 400, 404, and 409 if it is another one by now. */
function boundTo(
  reference: JsonObject,
  { namespace = '', name: account = '' }: ApiRequest,
  { cache }: ApiContext,
): Pick<TokenOrder, 'pod' | 'secret' | 'node'> {
  const [kind, name] = [stringOr(reference['kind']), stringOr(reference['name'])];
  const plural = plurals[kind];
  if (plural === undefined || stringOr(reference['apiVersion']) !== 'v1') {
    throw badRequest(`cannot bind token for serviceaccount "${account}" to object of type ${kind}`);
  }
  const place = kind === 'Node' ? 'minions' : `${plural}/${namespace}`;
  const object = cache.get(`/registry/${place}/${name}`)?.object();
  const type = { group: '', plural };
  if (object === undefined) throw notFound(type, name);
  const { uid = '' } = object.metadata;
  const wanted = stringOr(reference['uid']);
  if (wanted !== '' && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict(type, name, why);
  }
  if (kind === 'Pod') return podBinding(object, { name, uid }, account, cache);
  return kind === 'Secret' ? { secret: { name, uid } } : { node: { name, uid } };
}

function podBinding(
  object: KubeObject,
  pod: Named,
  account: string,
  cache: ApiContext['cache'],
): Pick<TokenOrder, 'pod' | 'node'> {
  if (stringOr(objectOr(object['spec'])['serviceAccountName']) !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    );
  }
  const node = nodeOf(object);
  if (node === '') return { pod };
  const uid = cache.get(`/registry/minions/${node}`)?.object().metadata.uid ?? '';
  return { pod, node: { name: node, uid } };
}
