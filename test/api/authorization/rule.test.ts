import t from 'tap';
import type { Attributes } from '#api/authorization/attributes.ts';
import { compact, concerns, type PolicyRule, uncovered } from '#api/authorization/rule.ts';

const user = { name: 'u', groups: [] };
const rule = (verbs: string, groups: string, resources: string, names = ''): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: groups.split(' ').map((group) => (group === 'core' ? '' : group)),
  resources: resources.split(' '),
  ...(names === '' ? {} : { resourceNames: names.split(' ') }),
});
const url = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });
const on = (verb: string, group: string, full: string): Attributes => {
  const [resource = '', subresource] = full.split('/');
  const more = subresource === undefined ? {} : { subresource };
  return { user, verb, group, resource, ...more };
};

t.test('a rule concerns what its verbs, groups and resources name', async (t) => {
  const cases: [boolean, PolicyRule, Attributes][] = [
    [true, rule('get list', 'core', 'pods'), on('list', '', 'pods')],
    [false, rule('get list', 'core', 'pods'), on('watch', '', 'pods')],
    [false, rule('get', 'apps', 'pods'), on('get', '', 'pods')],
    [true, rule('*', '*', '*'), on('escalate', 'rbac.authorization.k8s.io', 'roles')],
    [false, rule('get', 'core', 'pods'), on('get', '', 'pods/log')],
    [false, rule('get', 'core', 'pods/log'), on('get', '', 'pods')],
    [true, rule('get', 'core', '*'), on('get', '', 'pods/log')],
    [true, rule('get', '*', '*/scale'), on('get', 'apps', 'deployments/scale')],
    [false, rule('get', '*', '*/scale'), on('get', 'apps', 'deployments/status')],
    [false, rule('get', '*', '*/scale'), on('get', 'apps', 'scale')],
    [true, url('/healthz'), { user, verb: 'get', path: '/healthz' }],
    [false, url('/healthz'), { user, verb: 'get', path: '/healthz/etcd' }],
    [true, url('/apis/*'), { user, verb: 'get', path: '/apis/apps' }],
    [false, url('/apis/*'), { user, verb: 'get', path: '/apis' }],
    [false, url('/a*/b'), { user, verb: 'get', path: '/ax/b' }],
    [true, url('*'), { user, verb: 'get', path: '/anything' }],
    [false, rule('*', '*', '*'), { user, verb: 'get', path: '/metrics' }],
    [false, url('*'), on('get', '', 'pods')],
  ];
  for (const [wanted, one, asked] of cases) {
    t.equal(concerns(one, asked), wanted, `${JSON.stringify(one)} ${JSON.stringify(asked)}`);
  }
});

t.test('what rules do not cover is told part by part', async (t) => {
  const lacking = (owned: PolicyRule[], wanted: PolicyRule[]) => compact(uncovered(owned, wanted));
  const none: readonly PolicyRule[] = [];
  const pods = rule('get list', 'core', 'pods');
  t.strictSame(lacking([pods], [rule('get', 'core', 'pods')]), none);
  t.strictSame(lacking([pods], [rule('get', 'core', 'pods', 'a b')]), none);
  t.strictSame(
    lacking([rule('get', 'core', 'pods', 'a b')], [pods]),
    [pods],
    'rights on some names are no rights on all',
  );
  t.strictSame(lacking([rule('get', 'core', 'pods', 'a')], [rule('get', 'core', 'pods', 'a b')]), [
    rule('get', 'core', 'pods', 'b'),
  ]);
  t.strictSame(lacking([rule('get', 'core', 'pods'), rule('list', 'core', 'pods')], [pods]), none);
  t.strictSame(lacking([pods], [rule('get list delete', 'core', 'pods secrets')]), [
    rule('delete', 'core', 'pods'),
    rule('get list delete', 'core', 'secrets'),
  ]);
  t.strictSame(lacking([pods], [rule('*', 'core', 'pods')]), [rule('*', 'core', 'pods')]);
  t.strictSame(lacking([rule('*', '*', '*')], [rule('get', 'apps', 'x/scale', 'n')]), none);
  t.strictSame(lacking([rule('get', '*', '*/scale')], [rule('get', 'apps', 'x/scale')]), none);
  t.strictSame(lacking([rule('get', 'core', 'pods')], [rule('get', 'core', '*')]), [
    rule('get', 'core', '*'),
  ]);
  t.strictSame(lacking([url('/apis/*')], [url('/apis/apps', '/apis/b/*')]), none);
  t.strictSame(lacking([url('/apis/apps')], [url('/apis/*')]), [url('/apis/*')]);
  t.strictSame(lacking([rule('*', '*', '*')], [url('/metrics')]), [url('/metrics')]);
});
