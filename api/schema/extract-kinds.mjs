/** Discovery documents and printer columns -> `kinds.json`: every served kind of a GA version. */
import { shortName } from './extract-types.mjs';

const isGa = (version) => /^v\d+$/.test(version);
const core = 'io.k8s.api.core.v1.';

/** Where a column list's name is not its kind's: `podColumnDefinitions` is Pod's by rule. */
const columnKinds = {
  endpoint: 'Endpoints',
  mutatingWebhook: 'MutatingWebhookConfiguration',
  validatingWebhook: 'ValidatingWebhookConfiguration',
  priorityLevel: 'PriorityLevelConfiguration',
  roleBindings: 'RoleBinding',
  clusterRoleBindings: 'ClusterRoleBinding',
  nodeResourceSlice: 'ResourceSlice',
  deviceTaint: 'DeviceTaintRule',
  csiNode: 'CSINode',
  csiDriver: 'CSIDriver',
  csiStorageCapacity: 'CSIStorageCapacity',
  ipAddress: 'IPAddress',
};

/** Group, version and kind -> the OpenAPI type's full name. Options and events are listed under every group. */
export function typeNameOf(definitions) {
  const names = new Map();
  for (const [name, definition] of Object.entries(definitions)) {
    for (const gvk of definition['x-kubernetes-group-version-kind'] ?? []) {
      names.set(`${gvk.group}/${gvk.version}/${gvk.kind}`, name);
    }
  }
  return (group, version, kind) => names.get(`${group}/${version}/${kind}`);
}

/** @returns {{content: object, typeNames: Set<string>}} */
export function kindIndex({ core: coreList, aggregated, columns }, release, typeOf) {
  const typeNames = new Set();
  const groups = [{ name: '', versions: [{ version: 'v1', resources: coreResources(coreList) }] }];
  for (const item of aggregated.items) {
    const versions = item.versions
      .filter((entry) => isGa(entry.version))
      .map((entry) => ({
        version: entry.version,
        resources: entry.resources.map((resource) => aggregatedResource(resource)),
      }));
    if (versions.length > 0) groups.push({ name: item.metadata.name, versions });
  }
  for (const group of groups) {
    for (const { version, resources } of group.versions) {
      for (const resource of resources) addTypes(resource, group.name, version, typeOf, typeNames);
    }
  }
  return { content: { release, groups, columns: columnsByKind(columns) }, typeNames };
}

/** A resource as `kinds.json` has it; a subresource is [name, group, version, kind, verbs], '' = its parent's. */
function coreResources(list) {
  const parents = new Map();
  for (const entry of list.resources) {
    const [plural, subresource] = entry.name.split('/');
    const verbs = entry.verbs.join(' ');
    if (subresource === undefined) {
      const resource = { plural, kind: entry.kind, singular: entry.singularName };
      parents.set(plural, finish(resource, entry.namespaced, entry, verbs));
    } else {
      const row = [subresource, entry.group ?? '', entry.version ?? '', entry.kind, verbs];
      parents.get(plural).subresources.push(row);
    }
  }
  return [...parents.values()];
}

function aggregatedResource(entry) {
  const resource = {
    plural: entry.resource,
    kind: entry.responseKind.kind,
    singular: entry.singularResource,
  };
  finish(resource, entry.scope === 'Namespaced', entry, entry.verbs.join(' '));
  for (const { subresource, responseKind, verbs } of entry.subresources ?? []) {
    const { group, version, kind } = responseKind;
    resource.subresources.push([subresource, group, version, kind, verbs.join(' ')]);
  }
  return resource;
}

function finish(resource, namespaced, entry, verbs) {
  return Object.assign(resource, {
    namespaced,
    shortNames: entry.shortNames ?? [],
    categories: entry.categories ?? [],
    verbs,
    subresources: [],
  });
}

function addTypes(resource, group, version, typeOf, typeNames) {
  const name = typeOf(group, version, resource.kind);
  if (name === undefined) {
    throw new Error(`no OpenAPI type for ${group}/${version} ${resource.kind}`);
  }
  resource.type = shortName(name);
  typeNames.add(name);
  for (const [, subGroup, subVersion, kind] of resource.subresources) {
    const subType = typeOf(subGroup || group, subVersion || version, kind);
    if (subType !== undefined) typeNames.add(subType);
    else if (typeOf('', 'v1', kind) !== undefined) typeNames.add(`${core}${kind}`);
  }
}

function columnsByKind(columns) {
  const byKind = {};
  for (const [name, rows] of Object.entries(columns ?? {})) {
    const stem = name.replace(/ColumnDefinitions$/, '');
    byKind[columnKinds[stem] ?? stem[0].toUpperCase() + stem.slice(1)] = rows;
  }
  return byKind;
}
