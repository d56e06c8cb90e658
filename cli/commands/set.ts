/** `bay set`: single fields of workloads and Services. */
import { firstWordAt, UsageError } from '../arguments.ts';
import { settingFlags } from '../set/change-spec.ts';

const settings: Readonly<
  Record<string, () => Promise<(args: readonly string[]) => Promise<number>>>
> = {
  image: async () => (await import('../set/image.ts')).setImage,
  env: async () => (await import('../set/env.ts')).setEnv,
  resources: async () => (await import('../set/resources.ts')).setResources,
  serviceaccount: async () => (await import('../set/service-account.ts')).setServiceAccount,
  sa: async () => (await import('../set/service-account.ts')).setServiceAccount,
  selector: async () => (await import('../set/selector.ts')).setSelector,
};

/** Flags that may stand before what is set. */
const leading = { ...settingFlags, 'dry-run': { type: 'boolean' } } as const;

export async function run(args: readonly string[]): Promise<number> {
  const at = firstWordAt(args, leading);
  const what = args[at] ?? '';
  const setting = Object.hasOwn(settings, what) ? settings[what] : undefined;
  if (setting !== undefined) return (await setting())(args.toSpliced(at, 1));
  const known = 'image, env, resources, serviceaccount or selector';
  throw new UsageError(`'${what}': bay set ${known}; see 'bay help set'`);
}
