/** The query parameters of PATCH that apply has to itself. */
import { badRequest, invalid, type StatusCause } from '#api/resources/status.ts';
import { managerLengthMax } from './field-manager.ts';
import { type WriteOptions, writeOptions } from './write-options.ts';

export interface ApplyOptions extends WriteOptions {
  readonly force: boolean;
}

const wrong = (reason: string, field: string, message: string): StatusCause => ({
  reason,
  field,
  message,
});

/** Throws 422 without a `fieldManager`, 400 for a `force` that is no boolean. */
export function applyOptions(query: URLSearchParams): ApplyOptions {
  const manager = query.get('fieldManager') ?? '';
  const causes: StatusCause[] = [];
  if (manager === '') {
    const message = 'Required value: is required for apply patch';
    causes.push(wrong('FieldValueRequired', 'fieldManager', message));
  }
  if (Buffer.byteLength(manager) > managerLengthMax) {
    const message = `Too long: may not be more than ${managerLengthMax} bytes`;
    causes.push(wrong('FieldValueTooLong', 'fieldManager', message));
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', causes);
  return { ...writeOptions(query), force: forced(query.get('force') ?? '') };
}

function forced(text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['', '0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw badRequest(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}
