/** Who is the owner of what a request writes. */
import type { KubeObject } from '#api/resources/meta.ts';
import { trackUpdate, type Writer } from '../managed-fields/update.ts';
import { versionsOf } from '../managed-fields/versions.ts';
import type { ApiContext, ApiRequest } from './request.ts';

/** Kubernetes' limit, in bytes. */
export const managerLengthMax = 128;

/** The request's `fieldManager`, else the client's own name: what stands before the first slash of its User-Agent. */
export function writerOf(request: ApiRequest, { now }: Pick<ApiContext, 'now'>): Writer {
  const named = request.query.get('fieldManager') ?? '';
  const manager = named === '' ? clientName(request.userAgent) : named;
  return { manager, subresource: request.subresource ?? '', now: now() };
}

const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

function clientName(userAgent: string): string {
  const name = (userAgent.split('/', 1)[0] ?? '').replace(unprintable, '');
  if (Buffer.byteLength(name) <= managerLengthMax) return name;
  return Buffer.from(name)
    .subarray(0, managerLengthMax)
    .toString()
    .replace(/\uFFFD+$/, '');
}

/** What is about to be created, with the writer as the owner of all its fields. */
export function trackedCreate(
  request: ApiRequest,
  context: ApiContext,
  object: KubeObject,
): KubeObject {
  return tracked(request, context, undefined, object);
}

/** What is about to replace `current`, with the writer as the owner of all that differs. */
export function trackedUpdate(
  request: ApiRequest,
  context: ApiContext,
  current: KubeObject,
  next: KubeObject,
): KubeObject {
  return tracked(request, context, current, next);
}

function tracked(
  request: ApiRequest,
  context: ApiContext,
  live: KubeObject | undefined,
  next: KubeObject,
): KubeObject {
  const writer = writerOf(request, context);
  return trackUpdate(request.kind, live, next, writer, versionsOf(context.kinds));
}
