/** POST of `serviceaccounts/{name}/token`. */
import * as TE from 'fp-ts/lib/TaskEither.js';
import { failure } from '#api/resources/status.ts';
import type { Verb } from '../request.ts';

/** This server has no issuer: it answers as Kubernetes does where token requests are switched off. */
export const token: Verb = () =>
  TE.left(failure(501, 'NotImplemented', 'the server issues no tokens for service accounts'));
