/** `bay set serviceaccount`: in whose name the pods of workloads speak to the API. */
import { UsageError } from '../arguments.ts';
import { parseFlags } from '../documents/flags.ts';
import { setEach, settingFlags } from './change-spec.ts';
import { podSpecOf, specPatch } from './pod-spec.ts';

export async function setServiceAccount(args: readonly string[]): Promise<number> {
  const { values, words: given } = parseFlags('set', args, settingFlags);
  const account = given.at(-1);
  const isNamed = given.length > 1 || (values.filename ?? values.kustomize) !== undefined;
  if (account === undefined || !isNamed) {
    throw new UsageError('serviceaccount is required: bay set serviceaccount TYPE/NAME ACCOUNT');
  }
  const how = { command: 'set serviceaccount', what: 'serviceaccount updated' } as const;
  const words = given.slice(0, -1);
  return setEach({ ...how, form: 'strategic', values, words }, ({ object }) => {
    const pod = podSpecOf(object);
    // The second is the first's former name; whoever reads that finds the same.
    return specPatch(pod, { serviceAccountName: account, serviceAccount: account });
  });
}
