/** A body's text or bytes -> a value, by content type, keeping what is needed to complain about it later. */
import { badRequest, failure, type StatusError } from '../resources/status.ts';
import { MalformedJson, memberNames, scanJson } from './json-scan.ts';
import type { Kind } from './kind.ts';
import { readEnvelope, readMessage } from './protobuf.ts';
import type { Schema } from './schema.ts';
import { MalformedYaml, parseYaml } from './yaml-body.ts';

/** What the walk over the value found; undefined for values nobody walks (patches). */
export interface Findings {
  readonly keys: number;
  readonly unknown: readonly string[];
  readonly custom: boolean;
}

/** A parsed body. */
export interface ParsedBody {
  readonly value: unknown;
  /** `unknown field "a.b"` and `duplicate field "a.b"` in Kubernetes' order, at most 100, each once. */
  complaints(findings: Findings | undefined): string[];
  /** 400 for a body whose kind cannot even be told. */
  unrecognized(why: string): StatusError;
  /** The first bytes of the body, for messages. */
  summary(): string;
}

/** How to read a protobuf body, and what the URL expects. */
export interface BodyContext {
  /** The schema of a message by the envelope's type; undefined: not a built-in kind. */
  readonly schemaOf?: (apiVersion: string, kind: string) => Schema | undefined;
  readonly expected?: Kind | undefined;
}

const protobuf = 'application/vnd.kubernetes.protobuf';

/** Throws StatusError: 400 malformed, 415 unknown content type. */
export function parseBody(body: Buffer, contentType: string, context: BodyContext): ParsedBody {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  const unrecognized = (why: string): StatusError => unrecognizedBody(body, context.expected, why);
  const base = { unrecognized, summary: () => summarize(body) };
  if (type === protobuf) return { ...base, ...protobufBody(body, context, unrecognized) };
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml') {
    return { ...base, ...yamlBody(body.toString('utf8'), unrecognized) };
  }
  if (type === '' || type === 'application/json' || /^application\/[\w.-]+\+json$/.test(type)) {
    return { ...base, ...jsonBody(body.toString('utf8'), unrecognized) };
  }
  throw unsupportedMedia(context.expected);
}

type Unrecognized = (why: string) => StatusError;
type Content = Pick<ParsedBody, 'value' | 'complaints'>;

function jsonBody(text: string, unrecognized: Unrecognized): Content {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unrecognized(`couldn't get version/kind; json parse error: ${whyMalformed(text, error)}`);
  }
  return {
    value,
    complaints: (findings) => {
      if (findings !== undefined && findings.unknown.length === 0) {
        if (findings.keys === memberNames(text)) return [];
      }
      return jsonComplaints(text, findings);
    },
  };
}

function whyMalformed(text: string, error: unknown): string {
  try {
    scanJson(text);
  } catch (problem) {
    if (problem instanceof MalformedJson) return problem.message;
    throw problem;
  }
  return (error as Error).message;
}

/** Typed kinds: one list in the order of the text. Custom kinds: the repeated fields, then the unknown ones. */
function jsonComplaints(text: string, findings: Findings | undefined): string[] {
  const fields = scanJson(text);
  const unknown = new Set(findings?.unknown);
  const lines = new Set<string>();
  const typed = findings !== undefined && !findings.custom;
  for (const { path, repeated } of fields) {
    if (typed && unknown.has(path)) lines.add(`unknown field "${path}"`);
    else if (repeated && !(typed && isBelow(path, unknown))) lines.add(`duplicate field "${path}"`);
  }
  for (const path of unknown) lines.add(`unknown field "${path}"`);
  return [...lines].slice(0, 100);
}

/** Go skips what is below an unknown field unread. */
function isBelow(path: string, unknown: ReadonlySet<string>): boolean {
  for (const parent of unknown) {
    if (path.startsWith(parent) && /^[.[]/.test(path.slice(parent.length))) return true;
  }
  return false;
}

function yamlBody(text: string, unrecognized: Unrecognized): Content {
  try {
    const { value, repeated } = parseYaml(text);
    const before = repeated === undefined ? [] : [repeated];
    return {
      value,
      complaints: (findings) => [
        ...before,
        ...(findings?.unknown ?? []).slice(0, 100).map((path) => `unknown field "${path}"`),
      ],
    };
  } catch (error) {
    if (error instanceof MalformedYaml) throw unrecognized(error.message);
    throw error;
  }
}

function protobufBody(body: Buffer, context: BodyContext, unrecognized: Unrecognized): Content {
  if (context.schemaOf === undefined || context.expected?.custom !== undefined) {
    throw unsupportedMedia(context.expected);
  }
  try {
    const { apiVersion, kind, raw } = readEnvelope(body);
    const schema = context.schemaOf(apiVersion, kind) ?? context.expected?.schema;
    if (schema === undefined)
      throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
    const value = { apiVersion, kind, ...readMessage(schema, raw) };
    return { value, complaints: () => [] };
  } catch (error) {
    if (error instanceof RangeError) throw unrecognized(error.message);
    throw error;
  }
}

function unsupportedMedia(expected: Kind | undefined): StatusError {
  const accepted = ['application/json', 'application/yaml'];
  if (expected?.custom === undefined) accepted.push(protobuf);
  return failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

function unrecognizedBody(body: Buffer, expected: Kind | undefined, why: string): StatusError {
  if (expected === undefined) return badRequest(why);
  return badRequest(
    `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summarize(body)})`,
  );
}

/** apiserver/pkg/endpoints/handlers/rest.go, summarizeData: the text of an object, else hexadecimal. */
function summarize(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const start = body.subarray(0, 30);
  const text = body[0] === 0x7b ? start.toString('utf8') : start.toString('hex');
  return body.length > 30 ? `${text} ...` : text;
}
