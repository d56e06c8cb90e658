/** A template's text as nodes: what stands between actions, and actions with what they enclose. */
import { readPipe } from './expression.ts';
import { bad, type Node } from './syntax.ts';

/** An action, whose texts may contain braces. */
const actions =
  /(\{\{(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)'|\/\*[\s\S]*?\*\/|\/(?!\*)|[^"`'/])*?\}\})/;

interface Part {
  readonly isAction: boolean;
  readonly text: string;
}

/** With `{{- ` and ` -}}` the space beside an action goes. */
function partsOf(template: string): Part[] {
  const pieces = template.split(actions);
  const trimsBefore = (at: number) => /^\{\{-\s/.test(pieces[at] ?? '');
  const trimsAfter = (at: number) => /\s-\}\}$/.test(pieces[at] ?? '');
  return pieces.flatMap((piece, at): Part[] => {
    if (at % 2 === 1) {
      const inner = piece.replace(/^\{\{(-(?=\s))?/, '').replace(/((?<=\s)-)?\}\}$/, '');
      return [{ isAction: true, text: inner.trim() }];
    }
    if (piece.includes('{{')) throw bad(template, 'unclosed action');
    const begun = trimsAfter(at - 1) ? piece.trimStart() : piece;
    const text = trimsBefore(at + 1) ? begun.trimEnd() : begun;
    return text === '' ? [] : [{ isAction: false, text: unescaped(text) }];
  });
}

/** As docker's tool does it: shells hand `\t` on as it is. */
const unescaped = (text: string): string => text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

class TemplateReader {
  readonly #template: string;
  readonly #parts: readonly Part[];
  #at = 0;
  #loops = 0;

  constructor(template: string) {
    this.#template = template;
    this.#parts = partsOf(template);
  }

  whole(): Node[] {
    const { nodes, stop } = this.#until();
    if (stop !== undefined) throw bad(this.#template, `unexpected {{${stop}}}`);
    return nodes;
  }

  /** Up to an `end` or `else …`, which is given, too. */
  #until(): { readonly nodes: Node[]; readonly stop: string | undefined } {
    const nodes: Node[] = [];
    for (;;) {
      const part = this.#parts[this.#at++];
      if (part === undefined) return { nodes, stop: undefined };
      const { text, isAction } = part;
      if (!isAction) nodes.push({ type: 'text', text });
      else if (/^(end|else\b.*)$/s.test(text)) return { nodes, stop: text };
      else if (!/^\/\*[\s\S]*\*\/$/.test(text)) nodes.push(this.#action(text));
    }
  }

  #action(action: string): Node {
    const [, type, expression = ''] = /^(if|with|range)\b\s*(.*)$/s.exec(action) ?? [];
    if (type !== undefined) return this.#block(type as 'if' | 'with' | 'range', expression);
    if (action === 'break' || action === 'continue') {
      if (this.#loops === 0) throw bad(this.#template, `{{${action}}} outside {{range}}`);
      return { type: action };
    }
    return { type: 'value', pipe: readPipe(action) };
  }

  #block(type: 'if' | 'with' | 'range', expression: string): Node {
    const pipe = readPipe(expression);
    if (type === 'range') this.#loops += 1;
    const { nodes: then, stop } = this.#until();
    if (type === 'range') this.#loops -= 1;
    return { type, pipe, then, otherwise: this.#otherwise(stop) };
  }

  /** What stands between `else` and `end`; an `else if …` is an `if` of its own that shares its `end`. */
  #otherwise(stop: string | undefined): readonly Node[] {
    if (stop === 'end') return [];
    const [, type, expression = ''] = /^else\s+(if|with)\b\s*(.*)$/s.exec(stop ?? '') ?? [];
    if (type !== undefined) return [this.#block(type as 'if' | 'with', expression)];
    if (stop !== 'else') throw bad(this.#template, stop === undefined ? 'unexpected EOF' : stop);
    const last = this.#until();
    if (last.stop !== 'end') throw bad(this.#template, 'unexpected EOF');
    return last.nodes;
  }
}

/** @throws UsageError */
export const readTemplate = (template: string): readonly Node[] =>
  new TemplateReader(template).whole();
