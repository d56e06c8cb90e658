/** What can follow on a command line of `bay`. */
import type { CommandEntry } from './commands.ts';
import { isKindWord, kindWords } from './create/kinds.ts';

type Commands = Readonly<Record<string, CommandEntry>>;

/** What a word stands for where it is not a flag. */
export type Wanted = 'containers' | 'images' | 'types' | 'objects' | 'nodes' | 'files' | 'nothing';

const ofTypes = new Set(
  'get delete wait why describe edit patch scale autoscale expose label annotate explain'.split(
    ' ',
  ),
);
const ofFiles = new Set(['apply', 'replace']);
const ofNodes = new Set(['cordon', 'uncordon', 'drain']);

/** What the first word of some commands may be. */
const actions: Readonly<Record<string, readonly string[]>> = {
  rollout: ['history', 'pause', 'restart', 'resume', 'status', 'undo'],
  auth: ['can-i', 'whoami'],
  config: ['current-context', 'get-clusters', 'get-contexts', 'get-users', 'use-context', 'view'],
  set: ['env', 'image', 'resources', 'selector', 'serviceaccount'],
  taint: ['nodes'],
};

/** Flags that its usage names, `--long` and `-s`. */
export function flagsOf({ usage }: Pick<CommandEntry, 'usage'>): string[] {
  const found = usage.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [];
  return [...new Set(found)].sort();
}

/** The words without the flag that names a namespace, and that namespace. The last word is still being written. */
export function splitNamespace(words: readonly string[]): {
  readonly namespace: string;
  readonly rest: readonly string[];
} {
  let namespace = 'default';
  const rest: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const isLast = at === words.length - 1;
    const joined = /^(?:--namespace=|-n=?)(.+)$/.exec(word)?.[1];
    const next = words[at + 1];
    if (!isLast && joined !== undefined) namespace = joined;
    else if (/^(?:-n|--namespace)$/.test(word) && next !== undefined && at + 2 < words.length) {
      namespace = next;
      at += 1;
    } else rest.push(word);
  }
  return { namespace, rest };
}

/** Fixed candidates for the last of the words (the first is the command), and what else is asked for. */
export function candidates(
  commands: Commands,
  words: readonly string[],
): { readonly fixed: readonly string[]; readonly wanted: Wanted } {
  const last = words.at(-1) ?? '';
  const begins = (all: readonly string[]) => all.filter((one) => one.startsWith(last));
  if (words.length <= 1)
    return { fixed: begins([...Object.keys(commands), 'completion', 'help']), wanted: 'nothing' };
  const [name = ''] = words;
  const entry = commands[name];
  if (name === 'help') return { fixed: begins(Object.keys(commands)), wanted: 'nothing' };
  if (entry === undefined) return { fixed: [], wanted: 'nothing' };
  if (last.startsWith('-')) return { fixed: begins(flagsOf(entry)), wanted: 'nothing' };
  const before = words.at(-2) ?? '';
  if (before === '-f' || before === '--filename' || ofFiles.has(name))
    return { fixed: [], wanted: 'files' };
  const own = actions[name];
  if (own !== undefined && words.length === 2) return { fixed: begins(own), wanted: 'nothing' };
  if (name === 'create') {
    const named = words.slice(1, -1).filter((word) => !word.startsWith('-'));
    const isDocument = isKindWord(named[0] ?? '');
    return { fixed: begins(kindWords(named)), wanted: isDocument ? 'nothing' : 'images' };
  }
  if (ofNodes.has(name) || name === 'taint') return { fixed: [], wanted: 'nodes' };
  if (name === 'rollout' && !last.includes('/')) {
    const kinds = ['deployment/', 'statefulset/', 'daemonset/'];
    return { fixed: begins(kinds), wanted: 'nothing' };
  }
  if (ofTypes.has(name) || name === 'set') {
    const named = words.slice(name === 'set' ? 2 : 1, -1).filter((word) => !word.startsWith('-'));
    return { fixed: [], wanted: named.length === 0 ? 'types' : 'objects' };
  }
  if (entry.group === 'containers')
    return { fixed: [], wanted: name === 'run' ? 'images' : 'containers' };
  return { fixed: [], wanted: entry.group === 'images' ? 'images' : 'nothing' };
}

/** Bash asks `bay completion -- WORD…` for candidates, one a line; `:files` lets it name files itself. */
export const bashScript = `_bay() {
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}") found
  found=$("\${COMP_WORDS[0]}" completion -- "\${words[@]}" 2>/dev/null) || return
  if [ "$found" = :files ]; then compopt -o default; COMPREPLY=(); return; fi
  local IFS=$'\\n'
  COMPREPLY=($found)
}
complete -F _bay bay ./bay
`;

/** Zsh speaks bash's way of completion, too. */
export const zshScript = `autoload -U +X bashcompinit && bashcompinit\n${bashScript}`;
