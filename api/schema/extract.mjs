#!/usr/bin/env node
/**
 * Makes `facts/` from what a Kubernetes release publishes. For a maintainer moving to the next release:
 *
 *     node api/schema/extract.mjs --release 1.36 --swagger swagger.json --protos DIR --discovery DIR --columns columns.json
 *
 * `swagger.json`: `api/openapi-spec/`; `--protos`: a directory searched for `generated.proto`; `--discovery`: holds
 * `api__v1.json` and `aggregated_v2.json` (`api/discovery/`); `--columns`: kind's printer columns, as
 * `{"podColumnDefinitions": [[name, type, format, priority], …]}`. With `--facts DIR` instead of the first three,
 * the same facts already taken out of those documents are read: `types.json`, `protobuf.json`, `discovery-core-v1.json`,
 * `discovery-aggregated-v2.json`, `columns.json`. `--out DIR` is where to write (default: `facts/` beside this file).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kindIndex, typeNameOf } from './extract-kinds.mjs';
import { protoMessages } from './extract-proto.mjs';
import { closure, compactType, shortName } from './extract-types.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const metaTypes = ['ObjectMeta', 'ListMeta', 'DeleteOptions', 'Status', 'WatchEvent'].map(
  (name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`,
);

/** Sources of either form. @returns {{definitions, messages, core, aggregated, columns}} */
export function readSources(options) {
  if (options.facts !== undefined) {
    const file = (name) => readJson(join(options.facts, name));
    return {
      definitions: file('types.json'),
      messages: file('protobuf.json'),
      core: file('discovery-core-v1.json'),
      aggregated: file('discovery-aggregated-v2.json'),
      columns: file('columns.json'),
    };
  }
  const protos = readdirSync(options.protos, { recursive: true }).filter((path) =>
    path.endsWith('.proto'),
  );
  const messages = {};
  for (const path of protos) {
    Object.assign(messages, protoMessages(readFileSync(join(options.protos, path), 'utf8')));
  }
  return {
    definitions: readJson(options.swagger).definitions,
    messages,
    core: readJson(join(options.discovery, 'api__v1.json')),
    aggregated: readJson(join(options.discovery, 'aggregated_v2.json')),
    columns: readJson(options.columns),
  };
}

/** File name -> content: `kinds.json` and one file of types for each group-version (`core.v1.json`). */
export function makeFacts(sources, release) {
  const types = typeNameOf(sources.definitions);
  const index = kindIndex(sources, release, types);
  const roots = new Set(metaTypes.filter((name) => sources.definitions[name] !== undefined));
  for (const type of index.typeNames) roots.add(type);
  const files = { 'kinds.json': index.content };
  for (const name of closure(sources.definitions, roots)) {
    const short = shortName(name);
    const dot = short.lastIndexOf('.');
    const file = `${short.slice(0, dot)}.json`;
    files[file] ??= {};
    files[file][short.slice(dot + 1)] = compactType(sources.definitions, sources.messages, name);
  }
  return files;
}

function main() {
  const { values } = parseArgs({
    options: {
      release: { type: 'string', default: '1.36' },
      swagger: { type: 'string' },
      protos: { type: 'string' },
      discovery: { type: 'string' },
      columns: { type: 'string' },
      facts: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('./facts', import.meta.url)) },
    },
  });
  if (values.facts === undefined && (!values.swagger || !values.protos || !values.discovery)) {
    throw new Error('give --facts DIR, or --swagger, --protos, --discovery and --columns');
  }
  const files = makeFacts(readSources(values), values.release);
  rmSync(values.out, { recursive: true, force: true });
  mkdirSync(values.out, { recursive: true });
  let bytes = 0;
  for (const [name, content] of Object.entries(files)) {
    const text = `${JSON.stringify(content)}\n`;
    bytes += text.length;
    writeFileSync(join(values.out, name), text);
  }
  process.stderr.write(`${Object.keys(files).length} files, ${bytes} bytes in ${values.out}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
