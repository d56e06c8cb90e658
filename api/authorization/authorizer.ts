/** May they: masters always, nodes what their pods need, everybody what their roles say. */
import { starting } from '../authentication/authentication.ts';
import { mastersGroup, nodeOfUser, type User } from '../authentication/user.ts';
import type { Attributes, Authorizer, Decision, RoleRef } from './attributes.ts';
import { authorizeNode } from './node-authorizer.ts';
import type { NodeGraph } from './node-graph.ts';
import type { Rbac } from './rbac.ts';
import type { PolicyRule } from './rule.ts';

const masters: Decision = { allowed: true, reason: 'system:masters may do everything' };

export class ClusterAuthorizer implements Authorizer {
  readonly rbac: Rbac;
  readonly graph: NodeGraph;

  constructor(rbac: Rbac, graph: NodeGraph) {
    this.rbac = rbac;
    this.graph = graph;
  }

  authorize(attributes: Attributes): Decision {
    const { user } = attributes;
    if (user.groups.includes(mastersGroup)) return masters;
    if (attributes.resource === undefined && always.has(attributes.path ?? '')) return open;
    const node = nodeOfUser(user);
    if (node === undefined) return this.rbac.decide(attributes);
    const decision = authorizeNode(attributes, node, this.graph);
    if (decision.allowed) return decision;
    const byRole = this.rbac.decide(attributes);
    return byRole.allowed ? byRole : decision;
  }

  rules(user: User, namespace: string): readonly PolicyRule[] {
    return this.rbac.rules(user, namespace);
  }

  rulesOfRole(role: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined {
    return this.rbac.rulesOfRole(role, namespace);
  }
}

const open: Decision = { allowed: true, reason: 'health is for everybody' };
/** kube-apiserver's `--authorization-always-allow-paths`. */
const always = new Set(['/healthz', '/livez', '/readyz']);
const openPath = /^\/(livez|readyz|healthz|version)(\/|$)/;

/** While the store is not read yet: health for all, everything for masters; others are told to ask again. */
export const startingAuthorizer: Authorizer = {
  authorize({ user, resource, path = '' }) {
    if (user.groups.includes(mastersGroup)) return masters;
    if (resource === undefined && openPath.test(path)) return open;
    throw starting();
  },
  rules: () => {
    throw starting();
  },
  rulesOfRole: () => {
    throw starting();
  },
};
