/** A template that was read, with a value put into it. */
import { functions } from './functions.ts';
import { bad, type Node, type Pipe, type Term } from './syntax.ts';
import { entriesOf, fieldOf, isTrue, shown } from './values.ts';

/** The variables of a block, and beyond them those of the blocks around it. */
class Scope {
  readonly #values = new Map<string, unknown>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  declare(name: string, value: unknown): void {
    this.#values.set(name, value);
  }

  assign(name: string, value: unknown): void {
    this.#holder(name).set(name, value);
  }

  get(name: string): unknown {
    return this.#holder(name).get(name);
  }

  #holder(name: string): Map<string, unknown> {
    if (this.#values.has(name)) return this.#values;
    if (this.#outer === undefined) throw bad(name, `undefined variable "${name}"`);
    return this.#outer.#holder(name);
  }
}

interface Place {
  readonly dot: unknown;
  readonly scope: Scope;
}

function termValue(term: Term, place: Place): unknown {
  switch (term.type) {
    case 'literal':
      return term.value;
    case 'dot':
      return fieldOf(place.dot, term.path);
    case 'variable':
      return fieldOf(place.scope.get(term.name), term.path);
    case 'pipe':
      return fieldOf(evaluate(term.pipe, place), term.path);
    case 'function':
      return call(term.name, []);
  }
}

type Argument = () => unknown;

/** `and` and `or` give the argument that decided and look no further. */
function call(name: string, args: readonly Argument[]): unknown {
  if (name !== 'and' && name !== 'or') return functions[name]?.(...args.map((one) => one()));
  let value: unknown;
  for (const one of args) {
    value = one();
    if (isTrue(value) === (name === 'or')) break;
  }
  return value;
}

function evaluate({ names, declares, commands }: Pipe, place: Place): unknown {
  let piped: readonly Argument[] = [];
  for (const [first, ...rest] of commands) {
    if (first === undefined) continue;
    const args = [...rest.map((term) => () => termValue(term, place)), ...piped];
    if (first.type !== 'function' && args.length > 0) throw bad('|', 'what follows is no function');
    const value = first.type === 'function' ? call(first.name, args) : termValue(first, place);
    piped = [() => value];
  }
  const value = piped[0]?.();
  for (const name of names) {
    if (declares) place.scope.declare(name, value);
    else place.scope.assign(name, value);
  }
  return value;
}

/** How a list of nodes came to its end. */
type Course = 'whole' | 'break' | 'continue';

class Rendering {
  text = '';

  all(nodes: readonly Node[], place: Place): Course {
    for (const node of nodes) {
      const course = this.#one(node, place);
      if (course !== 'whole') return course;
    }
    return 'whole';
  }

  #one(node: Node, place: Place): Course {
    switch (node.type) {
      case 'text':
        this.text += node.text;
        return 'whole';
      case 'break':
      case 'continue':
        return node.type;
      case 'value': {
        const value = evaluate(node.pipe, place);
        if (node.pipe.names.length === 0) this.text += shown(value);
        return 'whole';
      }
      case 'range':
        return this.#range(node, place);
      default: {
        const scope = new Scope(place.scope);
        const value = evaluate(node.pipe, { ...place, scope });
        const dot = node.type === 'with' ? value : place.dot;
        if (isTrue(value)) return this.all(node.then, { dot, scope });
        return this.all(node.otherwise, { ...place, scope });
      }
    }
  }

  #range(node: Extract<Node, { type: 'range' | 'if' | 'with' }>, place: Place): Course {
    const { names } = node.pipe;
    const value = evaluate({ ...node.pipe, names: [] }, place);
    const entries = value instanceof Object ? entriesOf(value) : [];
    if (entries.length === 0) return this.all(node.otherwise, place);
    for (const [key, dot] of entries) {
      const scope = new Scope(place.scope);
      const values = names.length > 1 ? [key, dot] : [dot];
      for (const [i, name] of names.entries()) scope.declare(name, values[i]);
      if (this.all(node.then, { dot, scope }) === 'break') break;
    }
    return 'whole';
  }
}

/** @throws UsageError for what cannot be computed of this value */
export function render(nodes: readonly Node[], dot: unknown): string {
  const scope = new Scope();
  scope.declare('$', dot);
  const rendering = new Rendering();
  rendering.all(nodes, { dot, scope });
  return rendering.text;
}
