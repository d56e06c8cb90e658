/** `bay get`: documents as tables made by the server, or in any other form that kubectl has. */
import type { RemoteClient } from '#api/client/client.ts';
import { UsageError } from '../arguments.ts';
import { tellFailure, withClient } from '../documents/each.ts';
import { clientFlags, parseFlags, selectionFlags } from '../documents/flags.ts';
import { type Selection, select } from '../documents/select.ts';
import { showObjects } from '../get/objects.ts';
import type { Getting } from '../get/read.ts';
import { showTables } from '../get/tables.ts';

const flags = {
  ...clientFlags,
  ...selectionFlags,
  output: { type: 'string', short: 'o' },
  watch: { type: 'boolean', short: 'w' },
  'watch-only': { type: 'boolean' },
  'output-watch-events': { type: 'boolean' },
  'no-headers': { type: 'boolean' },
  'show-labels': { type: 'boolean' },
  'show-kind': { type: 'boolean' },
  'show-managed-fields': { type: 'boolean' },
  'label-columns': { type: 'string', short: 'L', multiple: true },
  'sort-by': { type: 'string' },
  'ignore-not-found': { type: 'boolean' },
  'allow-missing-template-keys': { type: 'boolean' },
  'chunk-size': { type: 'string' },
  subresource: { type: 'string' },
  template: { type: 'string' },
  raw: { type: 'string' },
} as const;

export type GetValues = ReturnType<typeof parseFlags<typeof flags>>['values'];

/** `--template` may stand apart from its form. */
function formOf({ output = '', template }: GetValues): string {
  if (template === undefined) return output;
  if (output === '') return `go-template=${template}`;
  return output.includes('=') ? output : `${output}=${template}`;
}

async function showRaw(client: RemoteClient, path: string): Promise<number> {
  if (!path.startsWith('/')) throw new UsageError(`--raw '${path}': a path such as /healthz`);
  const stream = await client.streamRequest('GET', path);
  for await (const chunk of stream) process.stdout.write(chunk as Buffer);
  return 0;
}

function check({ watch, 'watch-only': only, 'sort-by': sort }: GetValues, form: string): void {
  if ((watch === true || only === true) && sort !== undefined) {
    throw new UsageError('--watch and --sort-by do not go together');
  }
  if (form === 'wide' || form === '') return;
  if (!/^[a-z-]+(=|$)/.test(form))
    throw new UsageError(`-o '${form}': a form such as json or yaml`);
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('get', args, flags);
  if (values.raw !== undefined) {
    const path = values.raw;
    return withClient(values, (client) => showRaw(client, path));
  }
  const form = formOf(values);
  check(values, form);
  const selection: Selection = { ...values, words };
  const isTable = form === '' || form === 'wide';
  // A wrong form is told before anything is asked.
  const printer = isTable
    ? undefined
    : await (await import('../documents/print.ts')).printerOf(form, {
        managedFields: values['show-managed-fields'] === true,
        strict: values['allow-missing-template-keys'] === false,
        noHeaders: values['no-headers'] === true,
      });
  return withClient(values, async (client) => {
    const asked = await select(client, selection, 'get');
    let failures = 0;
    const failed = (error: unknown): void => {
      failures += 1;
      tellFailure(error);
    };
    const getting: Getting = { client, asked, selection, values, failed };
    if (values.watch === true || values['watch-only'] === true) {
      const { watchDocuments } = await import('../get/watch.ts');
      await watchDocuments(getting, form, printer);
    } else if (printer === undefined) await showTables(getting, form === 'wide');
    else await showObjects(getting, printer);
    return failures > 0 ? 1 : 0;
  });
}
