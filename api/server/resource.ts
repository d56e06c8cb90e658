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

/**
 * The kind that the URL names. Throws 400 for a name that could lead elsewhere, 404, and 405 for a namespaced object
 * without a namespace.
 */
export function kindOf({ kinds }: ServerState, target: ResourceTarget, verb: string): Kind {
  const { group, version, resource, namespace, name } = target;
  checkStep('Namespace', namespace);
  checkStep('Name', name);
  const kind = kinds.find(group, version, resource);
  if (kind === undefined || (!kind.namespaced && namespace !== undefined)) {
    throw failure(404, 'NotFound', 'the server could not find the requested resource', {});
  }
  const collection = name === undefined && (verb === 'list' || verb === 'watch');
  if (kind.namespaced && namespace === undefined && !collection && verb !== 'watch') {
    const message = 'the server does not allow this method on the requested resource';
    throw failure(405, 'MethodNotAllowed', message);
  }
  return kind;
}

/** The texts of `Warning` headers that every answer on the kind has. */
export function warningsOf({ custom }: Kind): readonly string[] {
  return custom?.deprecation === undefined ? [] : [custom.deprecation];
}
