/**
 * What the fields of built-in types mean, for `kubectl explain`: read from the doc comments in the installed
 * `@kubernetes/client-node` declarations when somebody asks, not copied into this project. Without that
 * package there are types and fields, but no prose.
 */
import { readFile } from 'node:fs/promises';

/** Prose of one type; fields by the name the declaration gives them. */
export interface Description {
  readonly type?: string;
  readonly fields: ReadonlyMap<string, string>;
}

const none: Description = { fields: new Map() };

/** `continue` is a word of the language, `x-kubernetes-…` no identifier: the declarations respell such names. */
export function describedField(description: Description, field: string): string | undefined {
  const respelled = field.replace(/[^\w$]/g, '_');
  return (
    description.fields.get(field) ??
    description.fields.get(`_${field}`) ??
    description.fields.get(respelled)
  );
}

/** The description of `io.k8s.api.core.v1.Pod`; an empty one if there is none. Reads one or two small files. */
export async function describe(typeName: string): Promise<Description> {
  for (const model of modelNames(typeName)) {
    const text = await declaration(model);
    if (text !== undefined) return parseDeclaration(text, model);
  }
  return none;
}

/** Models of different groups with the same name have the group in front: `CoreV1Event`, `RbacV1Subject`. */
function modelNames(typeName: string): string[] {
  const [group = '', version = '', name = ''] = typeName.split('.').slice(-3);
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
  const short = `${capital(version)}${name}`;
  return [short, `${capital(group)}${short}`];
}

async function declaration(model: string): Promise<string | undefined> {
  try {
    const entry = import.meta.resolve('@kubernetes/client-node');
    return await readFile(new URL(`./gen/models/${model}.d.ts`, entry), 'utf8');
  } catch {
    return undefined;
  }
}

/** The comments before `export declare class` and before each quoted property. */
export function parseDeclaration(text: string, model: string): Description {
  const fields = new Map<string, string>();
  let type: string | undefined;
  const commented =
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(?:export declare class (\w+)|'([^']+)'\??:)/g;
  for (const [, comment = '', className, field] of text.matchAll(commented)) {
    const prose = proseOf(comment);
    if (prose === '') continue;
    if (className === model) type = prose;
    else if (field !== undefined) fields.set(field, prose);
  }
  return type === undefined ? { fields } : { type, fields };
}

function proseOf(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replace(/\\(['"])/g, '$1')
    .trim();
}
