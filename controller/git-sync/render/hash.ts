/** The end of a generated name: a hash of the content, as kustomize makes it, so that a change makes a new object. */
import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';

/** Go's `json.Marshal`: keys in order, and some characters escaped that JSON need not escape. */
function goJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${goJson(key)}:${goJson(value[key])}`).join(',')}}`;
  }
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** No digits and letters that could spell a word. */
const letters: Readonly<Record<string, string>> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' };

function encoded(object: KubeObject): JsonObject {
  const { kind } = object;
  // Kustomize means the name to count, and looks for it where it is not.
  const common = { kind, name: '', data: object['data'] ?? '' };
  if (kind === 'Secret') {
    const text = object['stringData'];
    return {
      ...common,
      type: object['type'] ?? '',
      ...(isObject(text) ? { stringData: text } : {}),
    };
  }
  const binary = object['binaryData'];
  return { ...common, ...(isObject(binary) ? { binaryData: binary } : {}) };
}

/** Ten letters and digits. */
export function contentHash(object: KubeObject): string {
  const hex = createHash('sha256')
    .update(goJson(encoded(object)))
    .digest('hex')
    .slice(0, 10);
  return [...hex].map((sign) => letters[sign] ?? sign).join('');
}
