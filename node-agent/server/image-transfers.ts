/**
 * `POST /images/pull?reference=` and `POST /images/push?reference=`: the answer begins at once and is one JSON object a line:
 *
 *     {"layer":"sha256:…","status":"downloading","bytes":1048576,"total":30000000}      any number of these
 *     {"image":{"id","digest","tags",…}}    or    {"digest":"sha256:…"}                 the last one, when all went well
 *     {"error":{"code":404,"reason":"NotFound","message":"…"}}                          the last one, when not
 *
 * Credentials come as Docker's clients send them: `X-Registry-Auth`, base64url of `{"username","password","identitytoken","registrytoken"}`.
 * Whoever hangs up cancels the transfer, unless others wait for it, too.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, type StatusError } from '#api/resources/status.ts';
import type {
  Images,
  RegistryCredentials,
  TransferOptions,
  TransferProgress,
} from '#node-agent/image/images.ts';
import { parseReference } from '#node-agent/image/reference.ts';
import type { Call } from './node-api.ts';

/** Lines for one layer in one state come no more often than this. */
const LINE_MS = 100;

export interface Transfers {
  readonly images: Images;
  readonly onChange: () => void;
  /** What an error of the images is as a status. */
  readonly toStatus: (error: unknown) => StatusError;
}

/** @throws StatusError 400 before anything was answered */
export async function answerPull(call: Call, { images, onChange, toStatus }: Transfers) {
  const reference = referenceOf(call);
  await transfer(call, toStatus, async (options) => {
    const image = await images.pull(reference, options);
    onChange();
    return { image };
  });
}

/** @throws StatusError 400 before anything was answered */
export async function answerPush(call: Call, { images, toStatus }: Transfers) {
  const reference = referenceOf(call);
  await transfer(call, toStatus, (options) => images.push(reference, options));
}

function referenceOf({ query }: Call): string {
  const reference = query.get('reference');
  if (reference === null || reference === '') throw badRequest('the query has no reference');
  try {
    parseReference(reference);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
  return reference;
}

async function transfer(
  { request, response }: Call,
  toStatus: (error: unknown) => StatusError,
  work: (options: TransferOptions) => Promise<object>,
): Promise<void> {
  const credentials = loginOf(request);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const onProgress = throttled((progress) => line(response, progress));
  try {
    line(response, await work({ credentials, signal: gone.signal, onProgress }));
  } catch (error) {
    const { code, reason, message } = toStatus(error).status;
    line(response, { error: { code, reason, message } });
  }
  response.end();
}

function line(response: ServerResponse, value: object): void {
  if (!response.destroyed) response.write(`${JSON.stringify(value)}\n`);
}

/** Passes on each change of a layer's state, and its bytes now and then. */
function throttled(
  tell: (progress: TransferProgress) => void,
): (progress: TransferProgress) => void {
  const told = new Map<string, { readonly status: string; readonly at: number }>();
  return (progress) => {
    const { layer, status } = progress;
    const last = told.get(layer);
    const now = Date.now();
    if (last?.status === status && now - last.at < LINE_MS) return;
    told.set(layer, { status, at: now });
    tell(progress);
  };
}

/** @throws StatusError 400 */
export function loginOf({ headers }: IncomingMessage): readonly RegistryCredentials[] {
  const header = headers['x-registry-auth'];
  if (typeof header !== 'string' || header === '') return [];
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as typeof fields;
  } catch {
    throw badRequest('the header X-Registry-Auth is not base64url of JSON');
  }
  const text = (name: string) => (typeof fields[name] === 'string' ? String(fields[name]) : '');
  if (text('registrytoken') !== '') return [{ registryToken: text('registrytoken') }];
  if (text('identitytoken') !== '') return [{ identityToken: text('identitytoken') }];
  if (text('username') === '') return [];
  return [{ username: text('username'), password: text('password') }];
}
