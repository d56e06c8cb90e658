/** `bay patch`: changes fields of documents by a strategic, merge or JSON patch. */
import { readFileSync } from 'node:fs';
import type { PatchType } from '#api/client/collection.ts';
import { equalJson } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { changeEach, changeFlags } from '../documents/change.ts';
import { parseFlags } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';

const flags = {
  ...changeFlags,
  patch: { type: 'string', short: 'p' },
  'patch-file': { type: 'string' },
  type: { type: 'string' },
  subresource: { type: 'string' },
} as const;

const forms: readonly string[] = ['json', 'merge', 'strategic'] satisfies PatchType[];

function textOf(patch: string | undefined, file: string | undefined): string {
  if (patch !== undefined && file !== undefined) {
    throw new UsageError('cannot specify --patch and --patch-file together');
  }
  if (patch !== undefined) return patch;
  if (file === undefined) {
    throw new UsageError(
      `must specify --patch or --patch-file: bay patch TYPE/NAME -p '{"spec":…}'`,
    );
  }
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new Error(`read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** JSON or YAML. */
async function parsed(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`unable to parse the patch: ${(error as Error).message.split('\n')[0]}`);
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('patch', args, flags);
  const form = values.type ?? 'strategic';
  if (!forms.includes(form)) {
    throw new UsageError(`--type must be one of [json merge strategic], not "${form}"`);
  }
  const patch = await parsed(textOf(values.patch, values['patch-file']));
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch) !== (form === 'json')) {
    const what = form === 'json' ? 'a list of operations' : 'an object';
    throw new UsageError(`a patch of the type ${form} is ${what}`);
  }
  const { subresource } = values;
  return changeEach('patch', values, words, async (client, found, { dryRun, options, tell }) => {
    // Without the server it cannot be known what becomes of it: the server's own dry run tells.
    const how = { ...options, isDry: dryRun !== 'none', subresource };
    const after = await patchPlace(client, found, patch, form as PatchType, how);
    tell(typeOf(after), isSame(found.object, after) ? 'patched (no change)' : 'patched', after);
  });
}

/** Of what was answered: a subresource is of another kind. */
function typeOf({ apiVersion, kind }: KubeObject) {
  const [group = '', version] = apiVersion.split('/');
  return { group: version === undefined ? '' : group, kind };
}

/** Who wrote last is no change of the document. */
function isSame(before: object, after: object): boolean {
  const without = (object: object) => {
    const { metadata, ...rest } = object as { metadata: Record<string, unknown> };
    const { managedFields: _owners, resourceVersion: _version, ...meta } = metadata;
    return { ...rest, metadata: meta };
  };
  return equalJson(without(before), without(after));
}
