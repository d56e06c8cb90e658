/** `bay help [COMMAND]`. */
import { UsageError } from './arguments.ts';
import { type CommandEntry, commands } from './commands.ts';

const titles = {
  cluster: 'Cluster',
  documents: 'Documents',
  containers: 'Containers',
  images: 'Images',
} as const;

function overview(): string {
  const lines = ['bay keeps containers as documents say.', ''];
  for (const [group, title] of Object.entries(titles)) {
    lines.push(`${title}:`);
    for (const [name, entry] of Object.entries(commands)) {
      if (entry.group === group) lines.push(`  ${name.padEnd(12)}${entry.summary}`);
    }
    lines.push('');
  }
  lines.push("'bay help COMMAND' shows a command's options.");
  return lines.join('\n');
}

const one = (entry: CommandEntry): string => `${entry.summary}\n\n  bay ${entry.usage}`;

/** Prints the overview, or one command's usage. Throws UsageError for a command that does not exist. */
export function help(name?: string): number {
  const entry = name === undefined ? undefined : commands[name];
  if (name !== undefined && entry === undefined) {
    throw new UsageError(`there is no command '${name}'; see 'bay help'`);
  }
  process.stdout.write(`${entry === undefined ? overview() : one(entry)}\n`);
  return 0;
}
