/** Server-side apply to `…/scale`: the configuration is a Scale, what is owned are the replicas of its parent. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { objectOr } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject, type ObjectMeta } from '#api/resources/meta.ts';
import { badRequest, type StatusError } from '#api/resources/status.ts';
import { applyScale, scaleOf } from '../../kinds/scale.ts';
import { type Applying, applying, changeApplied } from '../apply.ts';
import { type ApiRequest, objectAnswer, type Verb } from '../request.ts';
import { served } from '../served.ts';
import { attempt } from '../task.ts';
import { builtIn } from './binding.ts';

export const applyToScale: Verb = (request, context) =>
  pipe(
    applying(request, context),
    E.chain((wanted) => ofParent(request, wanted)),
    TE.fromEither,
    TE.chain((wanted) =>
      attempt(async () => {
        const { kind } = request;
        const { entry, dry } = await changeApplied(request, context, 'main', wanted);
        const scale = builtIn(context.kinds, 'autoscaling/v1', 'Scale');
        const answer = objectAnswer(scale, scaleOf(kind, dry ?? served(kind, entry)));
        return { ...answer, warnings: wanted.warnings };
      }),
    ),
  );

/** The Scale as a configuration of the object that it scales. */
function ofParent(
  { kind, name = '' }: ApiRequest,
  wanted: Applying,
): E.Either<StatusError, Applying> {
  const { apiVersion, kind: named } = wanted.applied;
  if (named !== 'Scale' || apiVersion !== 'autoscaling/v1') {
    return E.left(badRequest(`invalid object type: ${apiVersion ?? ''}, Kind=${named ?? ''}`));
  }
  const metadata = objectOr(wanted.applied['metadata']) as unknown as ObjectMeta;
  const scale = { ...wanted.applied, metadata } as unknown as KubeObject;
  const blank = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name } };
  return E.map((applied: KubeObject) => ({ ...wanted, applied }))(applyScale(kind, blank, scale));
}
