/** The query parameters that all writes share. */
import { badRequest, invalid } from '#api/resources/status.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

const validations: readonly string[] = ['Strict', 'Warn', 'Ignore'];

function unsupported(field: string, value: string, supported: readonly string[]): never {
  const values = supported.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  const cause = { reason: 'FieldValueNotSupported', field, message };
  throw invalid({ group: 'meta.k8s.io', kind: 'CreateOptions' }, '', [cause]);
}

/** Whether the values of `dryRun` ask for one; `All` is the only one there is. Throws 422. */
export function isDryRun(values: readonly string[]): boolean {
  const given = values.filter((value) => value !== '');
  const wrong = given.find((value) => value !== 'All');
  if (wrong !== undefined) unsupported('dryRun', wrong, ['All']);
  return given.length > 0;
}

/** Throws 422 for values that do not exist, 400 for a manager's name that is too long. */
export function writeOptions(query: URLSearchParams): WriteOptions {
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!validations.includes(fieldValidation)) {
    unsupported('fieldValidation', fieldValidation, validations);
  }
  if ((query.get('fieldManager') ?? '').length > 128) {
    throw badRequest('fieldManager: Too long: may not be more than 128 bytes');
  }
  return {
    dryRun: isDryRun(query.getAll('dryRun')),
    fieldValidation: fieldValidation as FieldValidation,
  };
}
