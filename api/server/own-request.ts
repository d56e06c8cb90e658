/** A request that the server makes to itself. */
import { mastersGroup } from '../authentication/user.ts';
import type { Kind } from '../schema/kind.ts';
import type { ApiRequest } from '../verbs/request.ts';

/** The creation of an object of the kind, by nobody but the server. */
export const ownRequest = (kind: Kind): ApiRequest => ({
  verb: 'create',
  kind,
  subresource: undefined,
  namespace: undefined,
  name: undefined,
  query: new URLSearchParams(),
  user: { name: 'system:apiserver', groups: [mastersGroup] },
  contentType: 'application/json',
  body: Buffer.alloc(0),
  userAgent: 'kube-apiserver',
  asStored: true,
});
