/**
 * Reads Kubernetes' `generated.proto` files: message name -> field name -> [number, type, repeated 0|1].
 * The files are machine-written and flat (no nested messages, no oneof), so lines are enough.
 */

const scalars = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'double', 'float']);
const fieldLine = /^(optional|repeated|required)?\s*([\w.]+)\s+(\w+)\s*=\s*(\d+)\s*;/;
const mapLine = /^(?:optional\s+)?map\s*<\s*([\w.]+)\s*,\s*([\w.]+)\s*>\s+(\w+)\s*=\s*(\d+)\s*;/;

/** @param {string} text one file @returns {Record<string, Record<string, [number, unknown, number]>>} */
export function protoMessages(text) {
  const clean = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
  const packageName = /^\s*package\s+([\w.]+)\s*;/m.exec(clean)?.[1] ?? '';
  const messages = {};
  let fields;
  for (const raw of clean.split('\n')) {
    const line = raw.trim();
    const message = /^message\s+(\w+)\s*\{/.exec(line);
    if (message !== null) {
      fields = {};
      messages[`${packageName}.${message[1]}`] = fields;
    } else if (line.startsWith('}')) {
      fields = undefined;
    } else if (fields !== undefined) {
      addField(fields, line, packageName);
    }
  }
  return messages;
}

function addField(fields, line, packageName) {
  const map = mapLine.exec(line);
  if (map !== null) {
    const [, key, value, name, number] = map;
    fields[name] = [Number(number), { map: [key, qualified(value, packageName)] }, 0];
    return;
  }
  const field = fieldLine.exec(line);
  if (field === null) return;
  const [, label, type, name, number] = field;
  fields[name] = [Number(number), qualified(type, packageName), label === 'repeated' ? 1 : 0];
}

/** A name without a dot is a scalar or a message of the same file; a leading dot means "from the root". */
function qualified(type, packageName) {
  if (scalars.has(type)) return type;
  const name = type.startsWith('.') ? type.slice(1) : type;
  return name.includes('.') ? name : `${packageName}.${name}`;
}

/** `io.k8s.api.core.v1.Pod` (OpenAPI) -> `k8s.io.api.core.v1.Pod` (protobuf). */
export function messageName(typeName) {
  return typeName
    .replace(/^io\.k8s\./, 'k8s.io.')
    .replace('apiextensions-apiserver', 'apiextensions_apiserver')
    .replace('kube-aggregator', 'kube_aggregator');
}

/**
 * Where the wire has the JSON field: `{ number }`, and `via` where Go embeds a struct that JSON flattens
 * (`Volume.hostPath` is field 1 of the message in field 2). `undefined`: the message does not carry it.
 */
export function wirePlace(messages, message, jsonName, jsonNames) {
  const fields = messages[message];
  if (fields === undefined) return undefined;
  const direct = findField(fields, jsonName);
  if (direct !== undefined) return { number: direct[0] };
  for (const [name, [number, type, repeated]] of Object.entries(fields)) {
    if (repeated === 1 || typeof type !== 'string' || jsonNames.has(name)) continue;
    const inner = findField(messages[type] ?? {}, jsonName);
    if (inner !== undefined) return { number: inner[0], via: number };
  }
  return undefined;
}

function findField(fields, jsonName) {
  if (fields[jsonName] !== undefined) return fields[jsonName];
  const spelled = jsonName.replace(/^\$/, '').replace(/-/g, '').toLowerCase();
  const name = Object.keys(fields).find((candidate) => candidate.toLowerCase() === spelled);
  return name === undefined ? undefined : fields[name];
}
