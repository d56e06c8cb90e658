/** `bay create role`, `clusterrole`, `rolebinding`, `clusterrolebinding` and `serviceaccount`. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { serviceAccounts } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { discover, typeNamed } from '../discovery.ts';
import { kindOf, listOf } from './kind.ts';

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;
const rbac = (kind: string, namespaced: boolean): ResourceType => ({
  group,
  version: 'v1',
  plural: `${kind.toLowerCase()}s`,
  kind,
  namespaced,
});

export const serviceAccount = kindOf({
  type: serviceAccounts,
  flags: {},
  make: ({ name }) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
});

const ruleFlags = {
  verb: { type: 'string', multiple: true },
  resource: { type: 'string', multiple: true },
  'resource-name': { type: 'string', multiple: true },
} as const;

/** Each once; `*` is all of them. */
function verbsOf(given: readonly string[] | undefined): string[] {
  const verbs = [...new Set(listOf(given))];
  return verbs.includes('*') ? ['*'] : verbs;
}

/** One rule for each API group: `pods`, `deployments.apps`, `pods/log`. */
async function rulesOf(
  client: RemoteClient,
  resources: readonly string[],
  verbs: readonly string[],
  names: readonly string[],
): Promise<object[]> {
  const types = await discover(client);
  const groups = new Map<string, string[]>();
  for (const text of new Set(resources)) {
    const [name = '', subresource] = text.split('/');
    if (name === '') {
      throw new UsageError(`resource must be specified with subresource, not '${text}'`);
    }
    const found = name === '*' ? { group: '*', plural: '*' } : typeNamed(types, name);
    const resource = subresource === undefined ? found.plural : `${found.plural}/${subresource}`;
    groups.set(found.group, [...(groups.get(found.group) ?? []), resource]);
  }
  return [...groups].sort().map(([apiGroup, all]) => ({
    apiGroups: [apiGroup],
    resources: [...new Set(all)],
    ...(names.length === 0 ? {} : { resourceNames: names }),
    verbs,
  }));
}

export const role = kindOf({
  type: rbac('Role', true),
  flags: ruleFlags,
  async make({ name, values, client }) {
    const verbs = verbsOf(values.verb);
    const resources = listOf(values.resource);
    const names = listOf(values['resource-name']);
    if (verbs.length === 0) throw new UsageError('at least one verb must be specified');
    if (resources.length === 0) throw new UsageError('at least one resource must be specified');
    const rules = await rulesOf(await client(), resources, verbs, names);
    return { apiVersion, kind: 'Role', metadata: { name }, rules };
  },
});

/** Verbs of paths; others make no sense there. */
const pathVerbs = ['get', 'post', 'put', 'delete', 'patch', 'head', 'options', '*'];

function checkPaths(urls: readonly string[], verbs: readonly string[]): void {
  for (const url of urls) {
    if (!url.startsWith('/') && url !== '*') {
      throw new UsageError('nonResourceURL should start with /');
    }
    if (url.slice(0, -1).includes('*')) {
      throw new UsageError('nonResourceURL only supports wildcard matches when * is at the end');
    }
  }
  const wrong = verbs.find((verb) => !pathVerbs.includes(verb));
  if (urls.length > 0 && wrong !== undefined) {
    throw new UsageError(`invalid verb: '${wrong}' for nonResourceURL`);
  }
}

const pairOf = (text: string): [string, string] => {
  const equals = text.indexOf('=');
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new UsageError(`malformed pair in --aggregation-rule, expect string=string: ${text}`);
};

export const clusterRole = kindOf({
  type: rbac('ClusterRole', false),
  flags: {
    ...ruleFlags,
    'non-resource-url': { type: 'string', multiple: true },
    'aggregation-rule': { type: 'string', multiple: true },
  },
  async make({ name, values, client }) {
    const verbs = verbsOf(values.verb);
    const resources = listOf(values.resource);
    const names = listOf(values['resource-name']);
    const urls = listOf(values['non-resource-url']);
    const labels = listOf(values['aggregation-rule']).map(pairOf);
    const head = { apiVersion, kind: 'ClusterRole', metadata: { name } };
    if (labels.length > 0) {
      if (verbs.length + resources.length + names.length + urls.length > 0) {
        throw new UsageError(
          'aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames',
        );
      }
      const clusterRoleSelectors = [{ matchLabels: Object.fromEntries(labels) }];
      return { ...head, aggregationRule: { clusterRoleSelectors }, rules: null };
    }
    if (verbs.length === 0) throw new UsageError('at least one verb must be specified');
    if (resources.length + urls.length === 0) {
      throw new UsageError('one of resource or nonResourceURL must be specified');
    }
    checkPaths(urls, verbs);
    const onTypes =
      resources.length === 0 ? [] : await rulesOf(await client(), resources, verbs, names);
    const onPaths = urls.length === 0 ? [] : [{ nonResourceURLs: urls, verbs }];
    return { ...head, rules: [...onTypes, ...onPaths] };
  },
});

const subjectFlags = {
  user: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  serviceaccount: { type: 'string', multiple: true },
} as const;

interface Subjects {
  readonly user?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly serviceaccount?: readonly string[] | undefined;
}

function subjectsOf({ user = [], group: groups = [], serviceaccount = [] }: Subjects) {
  const subjects = [
    ...user.map((name) => ({ kind: 'User', apiGroup: group, name })),
    ...groups.map((name) => ({ kind: 'Group', apiGroup: group, name })),
    ...serviceaccount.map((text) => {
      const [namespace = '', name = '', more] = text.split(':');
      if (namespace === '' || name === '' || more !== undefined) {
        throw new UsageError('serviceaccount must be <namespace>:<name>');
      }
      return { kind: 'ServiceAccount', namespace, name };
    }),
  ];
  return subjects.length === 0 ? {} : { subjects };
}

export const roleBinding = kindOf({
  type: rbac('RoleBinding', true),
  flags: { ...subjectFlags, role: { type: 'string' }, clusterrole: { type: 'string' } },
  make({ name, values }) {
    const { role: ofNamespace, clusterrole } = values;
    if ((ofNamespace === undefined) === (clusterrole === undefined)) {
      throw new UsageError('exactly one of clusterrole or role must be specified');
    }
    const kind = ofNamespace === undefined ? 'ClusterRole' : 'Role';
    const roleRef = { apiGroup: group, kind, name: ofNamespace ?? clusterrole };
    return { apiVersion, kind: 'RoleBinding', metadata: { name }, ...subjectsOf(values), roleRef };
  },
});

export const clusterRoleBinding = kindOf({
  type: rbac('ClusterRoleBinding', false),
  flags: { ...subjectFlags, clusterrole: { type: 'string' } },
  required: ['clusterrole'],
  make({ name, values }) {
    const roleRef = { apiGroup: group, kind: 'ClusterRole', name: values.clusterrole };
    const kind = 'ClusterRoleBinding';
    return { apiVersion, kind, metadata: { name }, ...subjectsOf(values), roleRef };
  },
});
