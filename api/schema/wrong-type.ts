/** The errors Go's JSON decoder gives when a value does not fit a typed field. */
import type { Schema } from './schema.ts';
import type { Step, Walk } from './walk.ts';

/** A body that does not fit its type; the message is Kubernetes'. */
export class WrongType extends Error {
  override readonly name = 'WrongType';
}

/** `json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`. */
export function wrongType(schema: Schema, value: unknown, at: Walk): WrongType {
  const got = valueWord(value);
  const fields = at.path.filter(isField).join('.');
  const owner = at.owner.slice(at.owner.lastIndexOf('.') + 1);
  const into = fields === '' ? 'Go value' : `Go struct field ${owner}.${fields}`;
  return new WrongType(`json: cannot unmarshal ${got} into ${into} of type ${goType(schema)}`);
}

/** Go names struct fields only: no indices, no map keys. */
function isField(step: Step): boolean {
  return typeof step === 'string' && step.charCodeAt(0) !== 0;
}

function valueWord(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isSafeInteger(value) ? 'number' : `number ${value}`;
    default:
      return 'object';
  }
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case 'array':
      return `[]${goType(schema.items ?? { type: 'any' })}`;
    case 'map':
      return `map[string]${goType(schema.items ?? { type: 'any' })}`;
    case 'object':
      return (schema.name ?? 'object').split('.').slice(-2).join('.');
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'bytes':
      return '[]uint8';
    case 'any':
      return 'runtime.RawExtension';
    default:
      return 'string';
  }
}
