/** Subresources that are connections and not objects: logs, exec, attach, port-forward, proxies. */

import { failure } from '#api/resources/status.ts';
import type { Kind } from '../../schema/kind.ts';
import type { ApiContext } from '../../verbs/request.ts';
import type { ResourceTarget } from '../request-info.ts';

export function isStream(target: ResourceTarget): boolean {
  return ['log', 'exec', 'attach', 'portforward', 'proxy'].includes(target.subresource ?? '');
}
export async function serveStream(
  _call: unknown,
  _kind: Kind,
  _context: ApiContext,
): Promise<number> {
  throw failure(501, 'NotImplemented', 'not yet');
}
