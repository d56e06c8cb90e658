import t from 'tap';
import { requestInfo } from '#api/server/request-info.ts';

/** `verb group/version resource namespace/name/subresource rest`, `-` for what is absent. */
function summary(method: string, url: string): string {
  const { verb, target, path } = requestInfo(method, url);
  if (target === undefined) return `${verb} ${path}`;
  const { group, version, resource, namespace = '-', name = '-', subresource = '-', rest } = target;
  return `${verb} ${group}/${version} ${resource} ${namespace}/${name}/${subresource}${rest}`;
}

const cases: readonly [string, string, string][] = [
  ['GET', '/api/v1/pods', 'list /v1 pods -/-/-'],
  ['GET', '/api/v1/namespaces/a/pods', 'list /v1 pods a/-/-'],
  ['GET', '/api/v1/namespaces/a/pods/p', 'get /v1 pods a/p/-'],
  ['GET', '/api/v1/namespaces/a/pods/p/log?container=c', 'get /v1 pods a/p/log'],
  ['GET', '/api/v1/namespaces', 'list /v1 namespaces -/-/-'],
  ['GET', '/api/v1/namespaces/a', 'get /v1 namespaces -/a/-'],
  ['PUT', '/api/v1/namespaces/a/finalize', 'update /v1 namespaces -/a/finalize'],
  ['PATCH', '/api/v1/namespaces/a/status', 'patch /v1 namespaces -/a/status'],
  ['GET', '/api/v1/pods?watch=true', 'watch /v1 pods -/-/-'],
  ['GET', '/api/v1/pods?watch=false', 'list /v1 pods -/-/-'],
  ['GET', '/api/v1/watch/namespaces/a/pods/p', 'watch /v1 pods a/p/-'],
  ['GET', '/api/v1/watch/namespaces', 'watch /v1 namespaces -/-/-'],
  ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create apps/v1 deployments a/-/-'],
  [
    'DELETE',
    '/apis/apps/v1/namespaces/a/deployments',
    'deletecollection apps/v1 deployments a/-/-',
  ],
  ['DELETE', '/apis/apps/v1/namespaces/a/deployments/d', 'delete apps/v1 deployments a/d/-'],
  ['GET', '/api/v1/nodes/n1/proxy/pods/x?y=1', 'get /v1 nodes -/n1/proxy/pods/x'],
  ['HEAD', '/api/v1/nodes/n1', 'get /v1 nodes -/n1/-'],
  [
    'GET',
    '/api/v1/namespaces/a/services/https:s:443/proxy/',
    'get /v1 services a/https:s:443/proxy/',
  ],
  ['GET', '/api', 'get /api'],
  ['GET', '/api/v1', 'get /api/v1'],
  ['GET', '/apis/apps/v1/', 'get /apis/apps/v1/'],
  ['GET', '/version?timeout=5s', 'get /version'],
];

t.test('a URL says what is asked of what', async (t) => {
  for (const [method, url, expected] of cases) t.equal(summary(method, url), expected, url);
});
