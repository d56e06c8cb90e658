/** Kubernetes' `Status`: how the API says that a request failed, on the wire and inside our code. */

export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { resourceVersion?: string; continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number;
  };
  code: number;
}

/** A failed request. `reason` and `code` are Kubernetes' (`NotFound` 404, `Conflict` 409, `Invalid` 422 …). */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;

  constructor(status: Status, options?: { cause?: unknown }) {
    super(status.message ?? status.reason ?? `HTTP ${status.code}`, options);
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** A failure Status from its parts; `details` may be left out. */
export function failure(
  code: number,
  reason: string,
  message: string,
  details?: NonNullable<Status['details']>,
): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}

interface Named {
  readonly group: string;
  readonly plural: string;
}

const qualified = (type: Named): string =>
  type.group === '' ? type.plural : `${type.plural}.${type.group}`;

const detailsOf = (type: Named, name: string) => ({
  name,
  kind: type.plural,
  ...(type.group === '' ? {} : { group: type.group }),
});

export function notFound(type: Named, name: string): StatusError {
  return failure(404, 'NotFound', `${qualified(type)} "${name}" not found`, detailsOf(type, name));
}

export function alreadyExists(type: Named, name: string): StatusError {
  const message = `${qualified(type)} "${name}" already exists`;
  return failure(409, 'AlreadyExists', message, detailsOf(type, name));
}

export function conflict(type: Named, name: string, why?: string): StatusError {
  const reason =
    why ??
    'the object has been modified; please apply your changes to the latest version and try again';
  const message = `Operation cannot be fulfilled on ${qualified(type)} "${name}": ${reason}`;
  return failure(409, 'Conflict', message, detailsOf(type, name));
}

export function badRequest(message: string): StatusError {
  return failure(400, 'BadRequest', message);
}

export function forbidden(type: Named, name: string, why: string): StatusError {
  const message = `${qualified(type)} "${name}" is forbidden: ${why}`;
  return failure(403, 'Forbidden', message, detailsOf(type, name));
}

/** 500, worded as Kubernetes words it: nothing is wrong with the request, and yet it cannot be done. */
export function internalError(message: string): StatusError {
  const text = `Internal error occurred: ${message}`;
  return failure(500, 'InternalError', text, { causes: [{ message }] });
}

/** 410: the asked-for resourceVersion is no longer held; the client lists again. */
export function expired(message: string): StatusError {
  return failure(410, 'Expired', message);
}

/** 422 with one cause a field, worded as Kubernetes words it. */
export function invalid(
  type: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly StatusCause[],
): StatusError {
  const all = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = all.length === 1 ? all[0] : `[${all.join(', ')}]`;
  const kind = type.group === '' ? type.kind : `${type.kind}.${type.group}`;
  return failure(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    name,
    kind: type.kind,
    ...(type.group === '' ? {} : { group: type.group }),
    causes: [...causes],
  });
}

/** Whether `error` is a Status with this reason: `hasReason(error, 'NotFound')`. */
export function hasReason(error: unknown, reason: string): error is StatusError {
  return error instanceof StatusError && error.reason === reason;
}
