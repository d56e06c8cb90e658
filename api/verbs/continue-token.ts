/** `metadata.continue`: where the next page of a list starts and of which state it is (apiserver `storage/continue.go`). */
import { badRequest } from '#api/resources/status.ts';

export interface Continuation {
  /** The state all pages are read at; -1: whatever is there now. */
  readonly version: number;
  /** The last key that was sent, without the range's prefix. */
  readonly after: string;
}

const apiVersion = 'meta.k8s.io/v1';

export function encodeContinuation({ version, after }: Continuation): string {
  const token = { v: apiVersion, rv: version, start: `${after}\0` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** Throws 400 for what is no token of ours. */
export function decodeContinuation(text: string): Continuation {
  const { v, rv, start } = parse(text);
  if (v !== apiVersion) throw badRequest('continue key is not valid: unrecognized version');
  if (typeof start !== 'string' || start === '' || typeof rv !== 'number' || rv === 0) {
    throw badRequest('continue key is not valid: incorrect encoded start or resourceVersion');
  }
  if (start.split('/').includes('..')) throw badRequest('continue key is not valid: invalid start');
  return { version: rv, after: start.replace(/\0$/, '') };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: neither is a token.
  }
  throw badRequest('continue key is not valid: it is not a token that this server gave');
}
