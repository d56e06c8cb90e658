/** The description of kinds that have none of their own: every field, with its name in words. */
import { isObject, type JsonObject, objectsOf } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { pairsOf, type Writer } from './writer.ts';

const acronyms = ['API', 'URL', 'UID', 'OSB', 'GUID'];
const toldAlready = ['managedFields', 'name', 'namespace', 'labels', 'annotations'];

/** `creationTimestamp` → `Creation Timestamp`. */
export function inWords(field: string): string {
  if (/[^\p{L}-]/u.test(field)) return field;
  const parts = field.match(/\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|[^\p{L}]+/gu) ?? [
    field,
  ];
  return parts
    .map((part) =>
      acronyms.includes(part.toUpperCase())
        ? part.toUpperCase()
        : part.charAt(0).toUpperCase() + part.slice(1),
    )
    .join(' ');
}

/** As Go's `%v` writes it. */
function shown(value: unknown): string {
  if (value === null) return '<nil>';
  return Array.isArray(value) ? `[${value.map(shown).join(' ')}]` : String(value);
}

function fields(out: Writer, level: number, content: JsonObject): void {
  for (const [field, value] of pairsOf(content)) {
    const title = inWords(field);
    if (isObject(value)) {
      out.line(level, `${title}:`);
      fields(out, level + 1, value);
    } else if (Array.isArray(value)) {
      out.line(level, `${title}:`);
      for (const item of value) {
        if (isObject(item)) fields(out, level + 1, item);
        else out.line(level + 1, shown(item));
      }
    } else out.field(level, title, shown(value));
  }
}

export function describeAnyKind(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  const rest = Object.fromEntries(
    Object.entries(metadata).filter(([field]) => !toldAlready.includes(field)),
  );
  fields(out, 0, { ...object, metadata: rest });
}

/** `Conditions:` as a table of the columns. */
export function describeConditions(
  out: Writer,
  conditions: unknown,
  columns: readonly string[],
): void {
  const all = objectsOf(conditions);
  if (all.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, columns.join('\t'));
  out.line(1, columns.map((column) => '-'.repeat(column.length)).join('\t'));
  for (const one of all) {
    const cells = columns.map((column) =>
      String(one[column.charAt(0).toLowerCase() + column.slice(1)] ?? ''),
    );
    out.line(1, [`${cells[0]} `, ...cells.slice(1)].join('\t'));
  }
}
