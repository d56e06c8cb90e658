/**
 * Role-based access control: the union of the rules of all roles that are bound to a user. Answers are kept per user
 * until a role or binding changes.
 */
import type { User } from '../authentication/user.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import { type Attributes, type Decision, denied, type RoleRef } from './attributes.ts';
import {
  type Binding,
  groupSubject,
  joined,
  type Policy,
  policyPrefixes,
  storedPolicy,
  userSubject,
} from './policy.ts';
import { concerns, holdsForAll, type PolicyRule } from './rule.ts';

/** Why some rules hold for a user. */
interface Grant {
  readonly binding: Binding;
  readonly subject: string;
  readonly rules: readonly PolicyRule[];
}

/** The answer to a question but for the object's name. */
interface Answer {
  /** What holds for every name. */
  readonly any: Decision;
  /** Beside that: decisions for single names. */
  readonly named: ReadonlyMap<string, Decision> | undefined;
}

interface UserRules {
  readonly version: number;
  readonly everywhere: readonly Grant[];
  readonly inNamespace: ReadonlyMap<string, readonly Grant[]>;
  readonly answers: Map<string, Answer>;
}

/** Of different questions; beyond this a user's answers are forgotten. */
const answersMax = 4096;
const usersMax = 1024;

export class Rbac {
  readonly #cache: WatchCache;
  readonly #unfollow: readonly (() => void)[];
  #fallback: Policy | undefined;
  #version = 1;
  #policy: Policy | undefined;
  #bindings: Map<string, Binding[]> | undefined;
  /** A connection's user is one object: found without its key. */
  readonly #byUser = new WeakMap<User, UserRules>();
  readonly #byKey = new Map<string, UserRules>();

  /** `fallback` holds beside the stored policy until `dropFallback`. */
  constructor(cache: WatchCache, fallback?: Policy) {
    this.#cache = cache;
    this.#fallback = fallback;
    this.#unfollow = policyPrefixes.map((prefix) =>
      cache.watch(prefix, cache.revision, () => this.#changed()),
    );
  }

  close(): void {
    for (const unfollow of this.#unfollow) unfollow();
  }

  dropFallback(): void {
    this.#fallback = undefined;
    this.#changed();
  }

  decide(attributes: Attributes): Decision {
    const rules = this.#rulesOf(attributes.user);
    const { verb, group, resource, subresource, namespace, name, path } = attributes;
    const question =
      resource === undefined
        ? `${verb} ${path}`
        : `${verb} ${group} ${resource} ${subresource} ${namespace}`;
    let answer = rules.answers.get(question);
    if (answer === undefined) {
      if (rules.answers.size >= answersMax) rules.answers.clear();
      answer = answerFor(grantsIn(rules, namespace), attributes);
      rules.answers.set(question, answer);
    }
    if (answer.any.allowed || answer.named === undefined || name === undefined) return answer.any;
    return answer.named.get(name) ?? answer.any;
  }

  /** All rules that hold for the user in the namespace; `''`: those that hold everywhere. */
  rules(user: User, namespace: string): readonly PolicyRule[] {
    const grants = grantsIn(this.#rulesOf(user), namespace === '' ? undefined : namespace);
    return grants.flatMap(({ rules }) => rules);
  }

  /** The rules of a role; `undefined` if there is no such role. */
  rulesOfRole(role: RoleRef, namespace: string | undefined) {
    return this.#current().rulesOf(role, namespace);
  }

  #changed(): void {
    this.#version++;
    this.#policy = undefined;
    this.#bindings = undefined;
    this.#byKey.clear();
  }

  #current(): Policy {
    if (this.#policy === undefined) {
      const stored = storedPolicy(this.#cache);
      this.#policy = this.#fallback === undefined ? stored : joined(stored, this.#fallback);
    }
    return this.#policy;
  }

  #bindingsOf(subject: string): readonly Binding[] {
    if (this.#bindings === undefined) {
      this.#bindings = new Map();
      for (const binding of this.#current().bindings) {
        for (const one of new Set(binding.subjects)) {
          const known = this.#bindings.get(one);
          if (known === undefined) this.#bindings.set(one, [binding]);
          else known.push(binding);
        }
      }
    }
    return this.#bindings.get(subject) ?? [];
  }

  #rulesOf(user: User): UserRules {
    const known = this.#byUser.get(user);
    if (known !== undefined && known.version === this.#version) return known;
    const key = [user.name, ...user.groups].join('\n');
    let rules = this.#byKey.get(key);
    if (rules === undefined) {
      if (this.#byKey.size >= usersMax) this.#byKey.clear();
      rules = this.#compile(user);
      this.#byKey.set(key, rules);
    }
    this.#byUser.set(user, rules);
    return rules;
  }

  #compile({ name, groups }: User): UserRules {
    const everywhere: Grant[] = [];
    const inNamespace = new Map<string, Grant[]>();
    for (const subject of [userSubject(name), ...groups.map(groupSubject)]) {
      for (const binding of this.#bindingsOf(subject)) {
        const { namespace, role } = binding;
        const rules = this.#current().rulesOf(role, namespace);
        if (rules === undefined) continue;
        const grant = { binding, subject, rules };
        if (namespace === undefined) everywhere.push(grant);
        else inNamespace.set(namespace, [...(inNamespace.get(namespace) ?? []), grant]);
      }
    }
    return { version: this.#version, everywhere, inNamespace, answers: new Map() };
  }
}

function grantsIn(
  { everywhere, inNamespace }: UserRules,
  namespace: string | undefined,
): readonly Grant[] {
  const own = namespace === undefined ? undefined : inNamespace.get(namespace);
  return own === undefined ? everywhere : [...everywhere, ...own];
}

function answerFor(grants: readonly Grant[], attributes: Attributes): Answer {
  const named = new Map<string, Decision>();
  for (const grant of grants) {
    for (const rule of grant.rules) {
      if (!concerns(rule, attributes)) continue;
      const decision = { allowed: true, reason: reasonOf(grant) };
      if (holdsForAll(rule)) return { any: decision, named: undefined };
      for (const name of rule.resourceNames ?? []) {
        if (!named.has(name)) named.set(name, decision);
      }
    }
  }
  return { any: denied, named: named.size === 0 ? undefined : named };
}

/** As Kubernetes tells it: `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "u"`. */
function reasonOf({ binding, subject }: Grant): string {
  const { kind, name, namespace, role } = binding;
  const place = namespace === undefined ? name : `${name}/${namespace}`;
  const space = subject.indexOf(' ');
  const who = `${subject.slice(0, space)} "${subject.slice(space + 1)}"`;
  return `RBAC: allowed by ${kind} "${place}" of ${role.kind} "${role.name}" to ${who}`;
}
