/** What a request on a resource needs to be served: the server's parts, the kind. */
import { badRequest, failure } from '#api/resources/status.ts';
import { starting } from '../authentication/authentication.ts';
import type { Kind } from '../schema/kind.ts';
import type { ApiContext } from '../verbs/request.ts';
import type { ResourceTarget } from './request-info.ts';
import type { ServerState } from './state.ts';

/** The context, or 503 while the cache is not filled. */
export function contextOf({ context }: ServerState): ApiContext {
  if (context !== undefined) return context;
  throw starting();
}

/** apimachinery `validation/path`: what a step of the store's keys may not be. */
function checkStep(what: string, step: string | undefined): void {
  if (step === undefined) return;
  const problem =
    step === '.' || step === '..'
      ? `may not be '${step}'`
      : (/[/%\0]/.exec(step)?.map((sign) => `may not contain '${sign}'`)[0] ?? undefined);
  if (problem === undefined) return;
  throw badRequest(`${what} parameter invalid: ${JSON.stringify(step)}: ${problem}`);
}

const notFound = () =>
  failure(404, 'NotFound', 'the server could not find the requested resource', {});

/**
 * The kind that the URL names. Throws 400 for a name that could lead elsewhere and 404. Of a namespaced kind there is
 * one URL without a namespace: that of all its objects, to be listed and watched; any other method there is refused
 * with 405, but for custom kinds, whose server has no such route at all (apiserver `pkg/endpoints/installer.go`,
 * apiextensions-apiserver `customresource_handler.go`).
 */
export function kindOf({ kinds }: ServerState, target: ResourceTarget, verb: string): Kind {
  const { group, version, resource, namespace, name } = target;
  checkStep('Namespace', namespace);
  checkStep('Name', name);
  const kind = kinds.find(group, version, resource);
  if (kind === undefined || (!kind.namespaced && namespace !== undefined)) throw notFound();
  if (!kind.namespaced || namespace !== undefined) return kind;
  if (name !== undefined || !kind.verbs.includes('list')) throw notFound();
  if (verb === 'list' || verb === 'watch') return kind;
  if (kind.custom !== undefined) throw notFound();
  const message = 'the server does not allow this method on the requested resource';
  throw failure(405, 'MethodNotAllowed', message);
}

/** The texts of `Warning` headers that every answer on the kind has. */
export function warningsOf({ custom }: Kind): readonly string[] {
  return custom?.deprecation === undefined ? [] : [custom.deprecation];
}
