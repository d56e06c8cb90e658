/** `bay edit`: documents in one's editor; what is saved is sent. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RemoteClient } from '#api/client/client.ts';
import { equalJson } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import { forEachFound } from '../documents/each.ts';
import { clientFlags, parseFlags, selectionFlags } from '../documents/flags.ts';
import { replacePlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { toYaml } from '../documents/yaml-text.ts';
import { errorText } from '../errors.ts';
import { parseManifests } from '../manifests.ts';
import { objectLabel } from '../object-name.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  'field-manager': { type: 'string' },
  subresource: { type: 'string' },
} as const;

const lead = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

const cancelled = 'Edit cancelled, no changes made.\n';

/** `KUBE_EDITOR`, else `EDITOR`, else vi; with arguments, through a shell. */
function edited(text: string, folder: string): string {
  const path = join(folder, 'edit.yaml');
  writeFileSync(path, text, { mode: 0o600 });
  const editor = process.env['KUBE_EDITOR'] ?? process.env['EDITOR'] ?? 'vi';
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], {
    stdio: 'inherit',
  });
  if (error !== undefined || status !== 0) {
    const why = error?.message ?? `exit code ${status}`;
    throw new Error(`the editor '${editor}' failed (${why}); set EDITOR to another`);
  }
  return readFileSync(path, 'utf8');
}

const withoutComments = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');

const asComment = (text: string): string =>
  text
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');

function checked(text: string, { object }: Found): KubeObject {
  const [only, ...more] = parseManifests(text, 'edit.yaml');
  if (only === undefined || more.length > 0) throw new Error('edit.yaml: one document is expected');
  const { kind, metadata } = only.object;
  if (kind !== object.kind || metadata.name !== object.metadata.name) {
    throw new Error('edit.yaml: kind and metadata.name must stay as they are');
  }
  return only.object;
}

interface Editing {
  readonly client: RemoteClient;
  readonly found: Found;
  readonly folder: string;
  readonly fieldManager: string | undefined;
  readonly subresource: string | undefined;
}

/** Opens the editor again with the reason when what was saved is refused; the same text saved again gives it up. */
async function edit({ client, found, folder, ...options }: Editing): Promise<string> {
  const { managedFields: _, ...metadata } = found.object.metadata;
  const original = { ...found.object, metadata };
  const first = toYaml(original);
  let reason = '';
  let text = first;
  for (;;) {
    const saved = withoutComments(edited(`${lead}${reason}${text}`, folder));
    if (saved.trim() === '' || saved.trim() === first.trim()) return cancelled;
    if (reason !== '' && saved.trim() === text.trim()) {
      throw new Error(
        `Edit cancelled, no valid changes were saved: ${reason.replaceAll(/^# /gm, '').trim()}`,
      );
    }
    text = saved;
    try {
      const object = checked(saved, found);
      if (equalJson(object, original)) return cancelled;
      await replacePlace(client, found, object, options);
      return `${objectLabel(found.type, found.name)} edited\n`;
    } catch (error) {
      reason = asComment(errorText(error));
    }
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('edit', args, flags);
  if (words.length === 0 && values.filename === undefined && values.kustomize === undefined) {
    throw new UsageError('say what to edit: bay edit TYPE/NAME, or bay edit -f FILE');
  }
  const folder = mkdtempSync(join(tmpdir(), 'bay-edit-'));
  const { subresource, 'field-manager': fieldManager } = values;
  const selection = { ...values, all: true, words };
  try {
    return await forEachFound(selection, 'edit', async (client, found) => {
      process.stdout.write(await edit({ client, found, folder, fieldManager, subresource }));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
