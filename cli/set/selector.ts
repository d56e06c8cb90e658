/** `bay set selector`: which pods a Service sends to, instead of those until now. */
import { UsageError } from '../arguments.ts';
import { listOf } from '../create/kind.ts';
import { parseFlags } from '../documents/flags.ts';
import { setEach, settingFlags } from './change-spec.ts';

const flags = { ...settingFlags, 'resource-version': { type: 'string' } } as const;

/** `app=web,tier=front`; the server judges keys and values. */
function labelsOf(expression: string): Readonly<Record<string, string>> {
  const pairs = listOf([expression]).map((pair) => {
    const [key = '', value, more] = pair.split(/==?/);
    if (/[!()]/.test(pair) || key === '' || value === undefined || more !== undefined) {
      throw new UsageError(`selector '${pair}': a Service knows KEY=VALUE alone`);
    }
    return [key.trim(), value.trim()];
  });
  return Object.fromEntries(pairs);
}

export async function setSelector(args: readonly string[]): Promise<number> {
  const { values: all, words: given } = parseFlags('set', args, flags);
  const { 'resource-version': version, ...values } = all;
  const expression = given.at(-1);
  if (expression === undefined || !expression.includes('=')) {
    throw new UsageError('one selector is required: bay set selector TYPE/NAME KEY=VALUE,…');
  }
  const selector = labelsOf(expression);
  const how = { command: 'set selector', what: 'selector updated', form: 'json' } as const;
  return setEach({ ...how, values, words: given.slice(0, -1) }, ({ type }) => {
    if (type.kind !== 'Service')
      throw new Error('setting a selector is only supported for Services');
    const place = '/metadata/resourceVersion';
    return [
      ...(version === undefined ? [] : [{ op: 'replace', path: place, value: version }]),
      { op: 'add', path: '/spec/selector', value: selector },
    ];
  });
}
