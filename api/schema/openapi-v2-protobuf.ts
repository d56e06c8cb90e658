/**
 * OpenAPI v2 as gnostic's `openapi.v2.Document` message, which kubectl up to 1.28 and Argo CD read: field numbers from
 * github.com/google/gnostic-models `openapiv2/OpenAPIv2.proto`. Extensions (`x-…`) and free values are YAML texts in
 * `Any { yaml = 2 }`; JSON is YAML.
 */
import type { Json } from './openapi-shape.ts';
import { WireWriter } from './protobuf-writer.ts';

const out = new WireWriter(16 * 1024);

type Write = () => void;

/** A message in the field; nothing if there is nothing to write. */
function message(field: number, write: Write): void {
  const before = out.length;
  write();
  out.close(field, before);
}

const text = (field: number, value: unknown): void => {
  if (typeof value === 'string' && value !== '') out.string(field, value);
};
const flag = (field: number, value: unknown): void => {
  if (value === true) out.integer(field, 1);
};
const integer = (field: number, value: unknown): void => {
  if (typeof value === 'number') out.integer(field, value);
};
const double = (field: number, value: unknown): void => {
  if (typeof value === 'number') out.double(field, value);
};

/** In order: the writer goes from the end to the start. */
function each(values: unknown, write: (value: unknown) => void): void {
  if (!Array.isArray(values)) return;
  for (let index = values.length - 1; index >= 0; index -= 1) write(values[index]);
}

const texts = (field: number, values: unknown): void =>
  each(values, (value) => out.string(field, String(value)));

const any = (field: number, value: unknown): void => {
  if (value !== undefined) message(field, () => out.string(2, JSON.stringify(value)));
};

/** NamedAny { name = 1, value = 2 } for each extension. */
function extensions(field: number, json: Json): void {
  for (const [word, value] of Object.entries(json)) {
    if (!word.startsWith('x-')) continue;
    message(field, () => {
      any(2, value);
      out.string(1, word);
    });
  }
}

/** What a document starts with. Swagger = 1, info = 2 { title = 1, version = 2 }. */
export function documentHead(title: string, version: string): Buffer {
  message(2, () => {
    out.string(2, version);
    out.string(1, title);
  });
  out.string(1, '2.0');
  return out.take();
}

/** Document.definitions = 9 { NamedSchema = 1 { name = 1, value = 2 } }: messages of one field are merged by readers. */
export function definitionChunk(name: string, schema: Json): Buffer {
  message(9, () =>
    message(1, () => {
      message(2, () => writeSchema(schema));
      out.string(1, name);
    }),
  );
  return out.take();
}

/** Document.paths = 8 { NamedPathItem = 2 { name = 1, value = 2 } }. */
export function pathChunk(name: string, item: Json): Buffer {
  message(8, () =>
    message(2, () => {
      message(2, () => writePathItem(item));
      out.string(1, name);
    }),
  );
  return out.take();
}

const operations = [
  ['patch', 8],
  ['delete', 5],
  ['post', 4],
  ['put', 3],
  ['get', 2],
] as const;

function writePathItem(item: Json): void {
  each(item['parameters'], (parameter) => message(9, () => writeParameter(parameter as Json)));
  for (const [method, field] of operations) {
    const operation = item[method] as Json | undefined;
    if (operation !== undefined) message(field, () => writeOperation(operation));
  }
}

function writeOperation(operation: Json): void {
  extensions(13, operation);
  message(9, () => {
    const [[code, response]] = Object.entries(operation['responses'] as Json) as [[string, Json]];
    // Responses.response_code = 1: NamedResponseValue { name = 1, value = 2 { response = 1 } }.
    message(1, () => {
      message(2, () =>
        message(1, () => {
          const schema = response['schema'] as Json | undefined;
          if (schema !== undefined) message(2, () => message(1, () => writeSchema(schema)));
          text(1, response['description']);
        }),
      );
      out.string(1, code);
    });
  });
  each(operation['parameters'], (parameter) => message(8, () => writeParameter(parameter as Json)));
  texts(7, operation['consumes']);
  texts(6, operation['produces']);
}

/** ParametersItem { parameter = 1 { body = 1 | other = 2 { query = 3 | path = 4 } } }. */
function writeParameter(parameter: Json): void {
  message(1, () => {
    if (parameter['in'] === 'body') {
      message(1, () => {
        message(5, () => writeSchema(parameter['schema'] as Json));
        flag(4, parameter['required']);
        text(3, 'body');
        text(2, parameter['name']);
      });
    } else {
      message(2, () =>
        parameter['in'] === 'path'
          ? message(4, () => writePlace(parameter, { type: 5, unique: 19 }))
          : message(3, () => writePlace(parameter, { type: 6, unique: 20 })),
      );
    }
  });
}

function writePlace(parameter: Json, fields: { type: number; unique: number }): void {
  flag(fields.unique, parameter['uniqueItems']);
  text(fields.type, parameter['type']);
  text(4, parameter['name']);
  text(2, parameter['in']);
  flag(1, parameter['required']);
}

function writeSchema(schema: Json): void {
  extensions(31, schema);
  const properties = schema['properties'] as Readonly<Record<string, Json>> | undefined;
  if (properties !== undefined) message(25, () => writeProperties(properties));
  const items = schema['items'] as Json | undefined;
  if (items !== undefined) message(23, () => message(1, () => writeSchema(items)));
  const type = schema['type'];
  if (typeof type === 'string') message(22, () => out.string(1, type));
  const more = schema['additionalProperties'];
  if (typeof more === 'boolean') message(21, () => out.integer(2, Number(more)));
  else if (more !== undefined) message(21, () => message(1, () => writeSchema(more as Json)));
  each(schema['enum'], (value) => any(20, value));
  texts(19, schema['required']);
  writeBounds(schema);
  any(5, schema['default']);
  text(4, schema['description']);
  text(3, schema['title']);
  text(2, schema['format']);
  text(1, schema['$ref']);
}

function writeBounds(schema: Json): void {
  integer(18, schema['minProperties']);
  integer(17, schema['maxProperties']);
  flag(16, schema['uniqueItems']);
  integer(15, schema['minItems']);
  integer(14, schema['maxItems']);
  text(13, schema['pattern']);
  integer(12, schema['minLength']);
  integer(11, schema['maxLength']);
  flag(10, schema['exclusiveMinimum']);
  double(9, schema['minimum']);
  flag(8, schema['exclusiveMaximum']);
  double(7, schema['maximum']);
  double(6, schema['multipleOf']);
}

function writeProperties(properties: Readonly<Record<string, Json>>): void {
  for (const [name, property] of Object.entries(properties)) {
    message(1, () => {
      message(2, () => writeSchema(property));
      out.string(1, name);
    });
  }
}
