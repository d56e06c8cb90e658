/**
 * `--format` as docker's commands take it and `-o go-template` as kubectl does: Go's text/template without its own
 * templates (`define`, `block`), with the functions of both (`go-template/functions.ts`).
 */
import { readTemplate } from './go-template/read.ts';
import { render } from './go-template/render.ts';

/** A template that is understood, as a function from an object to its text. @throws UsageError */
export function template(text: string): (value: unknown) => string {
  const nodes = readTemplate(text);
  return (value) => render(nodes, value);
}
