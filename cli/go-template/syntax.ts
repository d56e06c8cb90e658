/** What a template of Go's text/template is made of once it is read. */
import { UsageError } from '../arguments.ts';

export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'value'; readonly pipe: Pipe }
  | { readonly type: 'break' | 'continue' }
  | {
      readonly type: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Commands, each with the value of the one before it as its last argument. */
export interface Pipe {
  /** Variables that take the value: one, or in `range` the key and the element. */
  readonly names: readonly string[];
  /** `:=` makes them, `=` changes those there are. */
  readonly declares: boolean;
  readonly commands: readonly (readonly Term[])[];
}

export type Term =
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  | { readonly type: 'function'; readonly name: string }
  | { readonly type: 'dot'; readonly path: readonly string[] }
  | { readonly type: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly type: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] };

/** The error of a template that cannot be read or followed. */
export const bad = (where: string, why: string): UsageError =>
  new UsageError(`--format: template parsing error: ${why} in '${where}'`);
