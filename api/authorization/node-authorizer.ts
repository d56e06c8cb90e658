/**
 * What nodes may: each reads the Secrets, ConfigMaps and claims that its own pods name, itself and its own pods; the
 * rest is a fixed list (`plugin/pkg/auth/authorizer/node`).
 */
import { parseFieldSelector } from '#api/resources/selector.ts';
import { type Attributes, type Decision, denied, fullResource } from './attributes.ts';
import { nodeRules } from './bootstrap/node-rules.ts';
import type { NodeGraph } from './node-graph.ts';
import { concerns } from './rule.ts';

const allowed = (reason: string): Decision => ({ allowed: true, reason });
const byRelation = allowed('the node needs it');
const byRule = allowed('nodes may');
const refused = (reason: string): Decision => ({ allowed: false, reason });

const read = ['get', 'list', 'watch'];
/** Read only by those whose pods name them. */
const related = new Set(['secrets', 'configmaps']);

type Question = Attributes & { readonly node: string; readonly graph: NodeGraph };
type Rule = (question: Question) => Decision;

function relation(whether: boolean, { node }: Question): Decision {
  if (whether) return byRelation;
  return refused(`no relationship found between node '${node}' and this object`);
}

const needed: Rule = (question) => {
  const { verb, node, graph, resource = '', namespace = '', name } = question;
  if (!read.includes(verb)) return refused('can only read resources of this type');
  if (name === undefined) return refused('can only read one named object of this type');
  return relation(graph.needs(node, resource, namespace, name), question);
};

const ofPods: Record<string, Rule> = {
  secrets: needed,
  configmaps: needed,
  persistentvolumeclaims: (question) =>
    question.verb === 'get' ? needed(question) : refused('can only get resources of this type'),
  persistentvolumes: (question) => {
    const { verb, name = '', graph, node } = question;
    if (verb !== 'get') return refused('can only get resources of this type');
    return relation(graph.mounts(node, name), question);
  },
  'serviceaccounts/token': (question) => {
    const { verb, node, graph, namespace = '', name = '' } = question;
    if (verb !== 'create') return refused('can only create tokens for individual service accounts');
    return relation(graph.runsAs(node, namespace, name), question);
  },
};

/** Whether the selector leaves only objects whose field has the value. */
function limitedTo(path: string, value: string, selector = ''): boolean {
  return parseFieldSelector(selector).some(
    (one) => one.path === path && one.operator === '=' && one.value === value,
  );
}

/** Reads of nodes and pods: only itself and its own. `undefined`: another rule decides. */
function ownReads(question: Question): Decision | undefined {
  const { verb, resource, subresource, node, graph, namespace = '', name } = question;
  if (!read.includes(verb) || subresource !== undefined) return undefined;
  if (resource === 'nodes') {
    // Where its peers are: images come from them, and their pods are reached through them.
    if (verb === 'list' || (verb === 'watch' && name === undefined)) return byRule;
    return name === node ? byRelation : refused(`node '${node}' cannot read other nodes`);
  }
  if (resource !== 'pods') return undefined;
  if (verb === 'get') return relation(graph.runs(node, namespace, name ?? ''), question);
  if (limitedTo('spec.nodeName', node, question.fieldSelector)) return byRelation;
  return refused(`can only list and watch pods with spec.nodeName field selector`);
}

const leaseVerbs = ['get', 'create', 'update', 'patch', 'delete'];

function lease({ verb, namespace, name, node }: Question): Decision {
  if (!leaseVerbs.includes(verb))
    return refused('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease')
    return refused('can only access leases in the "kube-node-lease" system namespace');
  if (verb !== 'create' && name !== node)
    return refused(`can only access node lease with the same name as the requesting node`);
  return byRule;
}

/** Decides for the user of a node. */
export function authorizeNode(attributes: Attributes, node: string, graph: NodeGraph): Decision {
  const question = { ...attributes, node, graph };
  const { group = '', resource } = attributes;
  if (resource === undefined) return denied;
  const full = fullResource(attributes);
  if (group === '') {
    const special = ofPods[full] ?? (related.has(resource) ? needed : undefined);
    const decision = special?.(question) ?? ownReads(question);
    if (decision !== undefined) return decision;
  }
  if (group === 'coordination.k8s.io' && resource === 'leases') return lease(question);
  return nodeRules.some((rule) => concerns(rule, attributes)) ? byRule : denied;
}
