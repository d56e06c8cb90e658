/** The text of `bay explain`, in kubectl's layout. */
import type { DiscoveredType } from '../discovery.ts';
import type { Schema, Schemas } from './schemas.ts';

const width = 76;

/** Lines of words, each as long as it may be. */
function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    // A word with the spaces before it: within a line they stay.
    for (const word of paragraph.match(/\s*\S+/g) ?? []) {
      if (line === '') line = word.trim();
      else if (line.length + word.length <= width) line += word;
      else {
        lines.push(line);
        line = word.trim();
      }
    }
    lines.push(line);
  }
  return lines.map((line) => `${indent}${line}\n`).join('');
}

const enumText = (values: readonly unknown[]): string => [...values].map(String).sort().join(', ');

function fieldLines(
  schemas: Schemas,
  name: string,
  schema: Schema,
  isRequired: boolean,
  indent: string,
): string {
  const mark = isRequired ? ' -required-' : '';
  const head = `${indent}${name}\t<${schemas.typeOf(schema)}>${mark}\n`;
  return schema.enum === undefined ? head : `${head}${indent}enum: ${enumText(schema.enum)}\n`;
}

/** Deeper than any document goes; some schemas contain themselves. */
const maxDepth = 32;

/** Only names and types, those below theirs. */
function tree(schemas: Schemas, schema: Schema, indent: string, above: readonly Schema[]): string {
  const inner = schemas.inner(schema);
  if (above.includes(inner) || above.length > maxDepth) return '';
  return Object.entries(inner.properties ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => {
      const isRequired = inner.required?.includes(name) === true;
      const head = fieldLines(schemas, name, field, isRequired, indent);
      return head + tree(schemas, field, `${indent}  `, [...above, inner]);
    })
    .join('');
}

function fieldsText(schemas: Schemas, schema: Schema, isRecursive: boolean): string {
  const inner = schemas.inner(schema);
  const fields = Object.entries(inner.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (fields.length === 0) return '\n';
  if (isRecursive) return `FIELDS:\n${tree(schemas, schema, '  ', [])}\n`;
  const texts = fields.map(([name, field]) => {
    const isRequired = inner.required?.includes(name) === true;
    const [said = '<no description>'] = field.description === undefined ? [] : [field.description];
    return `${fieldLines(schemas, name, field, isRequired, '  ')}${wrapped(said, '    ')}\n`;
  });
  return `FIELDS:\n${texts.join('')}\n`;
}

/** @throws Error if there is no such field */
function fieldAt(schemas: Schemas, schema: Schema, path: readonly string[]): Schema {
  return path.reduce<Schema>((at, name) => {
    const field = schemas.inner(at).properties?.[name];
    if (field !== undefined) return field;
    throw new Error(`field "${name}" does not exist`);
  }, schema);
}

export function explained(
  schemas: Schemas,
  type: DiscoveredType,
  path: readonly string[],
  isRecursive: boolean,
): string {
  const { group, kind, version } = type;
  const schema = fieldAt(schemas, schemas.of(type), path);
  const head = `${group === '' ? '' : `GROUP:      ${group}\n`}KIND:       ${kind}\nVERSION:    ${version}\n\n`;
  const name = path.at(-1);
  const values = schema.enum;
  const valueLines =
    values === undefined
      ? '\n'
      : `ENUM:\n${[...values]
          .map((one) => `    ${one}\n`)
          .sort()
          .join('')}`;
  const field =
    name === undefined ? '' : `FIELD: ${name} <${schemas.typeOf(schema)}>\n${valueLines}\n`;
  const said = schemas.descriptionsOf(schema);
  const description = said.length === 0 ? ['<no description>'] : said;
  const text = description.map((one) => wrapped(one, '    ')).join('');
  return `${head}${field}DESCRIPTION:\n${text}    \n${fieldsText(schemas, schema, isRecursive)}`;
}
