/** Images of this node: list, load, pull, push, tag, remove. */
import { pipeline } from 'node:stream/promises';
import { badRequest, failure, StatusError } from '#api/resources/status.ts';
import { errorText } from '#controller/runtime/log.ts';
import { ImageError, type Images } from '#node-agent/image/images.ts';
import type { ImageUser } from '../image/untag.ts';
import { answerPull, answerPush, loginOf } from './image-transfers.ts';
import { type Call, type Route, sendJson } from './node-api.ts';

export interface ImageRoutesOptions {
  readonly images: Images;
  /** Who uses what, by the manifest's digest. */
  readonly users: () => Promise<ReadonlyMap<string, ImageUser>>;
  /** Called when references changed: pods may wait for an image. */
  readonly onChange: () => void;
}

export function imageRoutes({ images, users, onChange }: ImageRoutesOptions): Route<Call>[] {
  const route = (method: string, path: RegExp, answer: (call: Call) => Promise<unknown>) => ({
    method,
    path,
    answer: async (call: Call) => sendJson(call.response, await answer(call).catch(asStatus)),
  });
  const changed = async <T>(done: Promise<T>): Promise<T> => {
    const result = await done;
    onChange();
    return result;
  };
  const transfers = { images, onChange, toStatus };
  return [
    {
      method: 'POST',
      path: /^\/images\/pull$/,
      answer: (call) => answerPull(call, transfers),
    },
    {
      method: 'POST',
      path: /^\/images\/push$/,
      answer: (call) => answerPush(call, transfers),
    },
    route('GET', /^\/images\/?$/, () => images.list()),
    route('POST', /^\/images\/load$/, ({ request }) => changed(images.load(request))),
    route('POST', /^\/images\/tag$/, async ({ query }) => {
      const [source, target] = [query.get('source'), query.get('target')];
      if (source === null || target === null) throw badRequest('tag needs source and target');
      await changed(images.tag(source, target));
      return { source, target };
    }),
    route('POST', /^\/images\/import$/, async ({ request, query }) => {
      const { importImage } = await import('../operations/import.ts');
      return changed(importImage(images, request, query));
    }),
    route('GET', /^\/images\/history$/, async ({ query }) => {
      const { imageHistory } = await import('../image/describe.ts');
      return imageHistory(images.shelf(), wanted(query));
    }),
    route('GET', /^\/images\/diff$/, async ({ query }) => {
      const { diffImages } = await import('../operations/image-diff.ts');
      return diffImages(images, query.get('from') ?? '', query.get('to') ?? '');
    }),
    route('GET', /^\/images\/inspect$/, async ({ query }) => {
      const { inspectImage } = await import('../image/describe.ts');
      return inspectImage(images.shelf(), wanted(query));
    }),
    {
      method: 'GET',
      path: /^\/images\/save$/,
      answer: async ({ query, response }) => {
        const { saveImages } = await import('../image/save.ts');
        const tar = await saveImages(images.shelf(), query.getAll('names')).catch(asStatus);
        response.writeHead(200, { 'content-type': 'application/x-tar' });
        await pipeline(tar, response).catch(() => response.destroy());
      },
    },
    route('POST', /^\/images\/login$/, async ({ query, request }) => {
      const [login] = loginOf(request);
      if (login === undefined) throw badRequest('the header X-Registry-Auth has no login');
      await images.checkLogin(query.get('server') ?? '', login);
      return { Status: 'Login Succeeded' };
    }),
    route('GET', /^\/images\/search$/, ({ query, request }) => {
      const limit = Number(query.get('limit') ?? 25);
      if (!(Number.isInteger(limit) && limit >= 1 && limit <= 100)) {
        throw badRequest(`limit ${query.get('limit')} is outside the range of [1, 100]`);
      }
      return images.search(query.get('term') ?? '', { limit, logins: loginOf(request) });
    }),
    route('DELETE', /^\/images\/(.+)$/, async ({ parts: [reference = ''], query }) => {
      const force = query.get('force') === 'true';
      return changed(images.remove(reference, { force, users: await users() }));
    }),
  ];
}

function wanted(query: URLSearchParams): string {
  const reference = query.get('reference');
  if (reference === null || reference === '') throw badRequest('the query has no reference');
  return reference;
}

const codes: Readonly<Record<ImageError['code'], readonly [number, string]>> = {
  NotFound: [404, 'NotFound'],
  Ambiguous: [409, 'Conflict'],
  InUse: [409, 'Conflict'],
  InvalidReference: [400, 'BadRequest'],
  InvalidArchive: [400, 'BadRequest'],
  UnknownUser: [400, 'BadRequest'],
  Unauthorized: [403, 'Forbidden'],
  Untrusted: [403, 'Forbidden'],
  Registry: [502, 'BadGateway'],
  Cancelled: [499, 'Cancelled'],
};

/** What a failure is to whoever asked. */
export function toStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (!(error instanceof ImageError)) return failure(500, 'InternalError', errorText(error));
  const [code, reason] = codes[error.code];
  return failure(code, reason, error.message);
}

function asStatus(error: unknown): never {
  throw error instanceof ImageError ? toStatus(error) : error;
}
