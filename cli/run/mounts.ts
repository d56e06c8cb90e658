/** `-v`, `--mount`, `--tmpfs`: docker's three ways to say what is mounted. */
import { resolve } from 'node:path';
import { UsageError } from '../arguments.ts';
import type { Mount } from '../container.ts';
import type { RunFlags } from './flags.ts';
import { memory, oneOf, pair, some, someOf } from './values.ts';

const propagations = ['rprivate', 'rslave', 'rshared'] as const;

/** Of `-v`'s third part; SELinux labels and copying mean nothing here. */
const passedOver = ['rw', 'rprivate', 'z', 'Z', 'nocopy', 'consistent', 'cached', 'delegated'];

function volumeOptions(text: string, words: readonly string[]): Partial<Mount> {
  let found: Partial<Mount> = {};
  for (const word of words) {
    if (word === 'ro') found = { ...found, readOnly: true };
    else if (word === 'rslave' || word === 'rshared') found = { ...found, propagation: word };
    else if (!passedOver.includes(word)) {
      throw new UsageError(`-v '${text}': '${word}' is none of ro, rw, ${propagations.join(', ')}`);
    }
  }
  return found;
}

const isPath = (source: string): boolean => source.startsWith('/') || source.startsWith('.');

/** The node's own rule (node-agent/volume/named-volumes.ts), told before a container waits for it. */
function volumeName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) return text;
  throw new UsageError(
    `create ${text}: "${text}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

/** `/host:/inside[:ro]`, `volume:/inside`, `/inside`. */
function volume(text: string): Mount {
  const parts = text.split(':');
  const [first = '', second, third] = parts;
  const [source, target, words] =
    second === undefined ? [undefined, first, ''] : [first, second, third ?? ''];
  if (!target.startsWith('/') || source === '' || parts.length > 3) {
    throw new UsageError(`-v '${text}': write [SOURCE:]/TARGET[:ro]`);
  }
  const options = volumeOptions(
    text,
    words.split(',').filter((word) => word !== ''),
  );
  if (source === undefined) return { type: 'volume', target, ...options };
  if (isPath(source)) return { type: 'bind', source: resolve(source), target, ...options };
  return { type: 'volume', source: volumeName(source), target, ...options };
}

/** `/inside`, `/inside:size=64m,mode=1770,noexec`. */
function tmpfs(text: string): Mount {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  if (!target.startsWith('/')) throw new UsageError(`--tmpfs '${text}': write /TARGET[:OPTIONS]`);
  const words = colon < 0 ? [] : text.slice(colon + 1).split(',');
  const size = words.findLast((word) => word.startsWith('size='))?.slice(5);
  const options = words.filter((word) => word !== '' && !/^(size=|ro$|rw$)/.test(word));
  return {
    type: 'tmpfs',
    target,
    ...(words.includes('ro') ? { readOnly: true } : {}),
    ...some('size', size === undefined ? undefined : memory('--tmpfs size', size)),
    ...someOf('options', options),
  };
}

const names: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
};
const known = [
  ...['type', 'source', 'target', 'readonly', 'bind-propagation', 'tmpfs-size', 'tmpfs-mode'],
  ...['volume-nocopy', 'consistency'],
];

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const entry of text.split(',')) {
    const [given, value] = pair('--mount', entry);
    const name = names[given] ?? given;
    if (!known.includes(name)) {
      throw new UsageError(`--mount '${text}': '${given}' is none of ${known.join(', ')}`);
    }
    fields.set(name, entry.includes('=') ? value : 'true');
  }
  return fields;
}

/** `type=bind,source=/host,target=/inside,readonly`. */
function mount(text: string): Mount {
  const fields = fieldsOf(text);
  const type = oneOf('--mount type', fields.get('type') ?? 'volume', ['bind', 'volume', 'tmpfs']);
  const target = fields.get('target') ?? '';
  if (!target.startsWith('/')) {
    throw new UsageError(`--mount '${text}': target is an absolute path inside`);
  }
  const source = fields.get('source');
  if (type === 'bind' && source === undefined) {
    throw new UsageError(`--mount '${text}': a bind has a source`);
  }
  const readOnly = ['true', '1'].includes(fields.get('readonly') ?? '') ? { readOnly: true } : {};
  if (type === 'tmpfs') {
    const [size, mode] = [fields.get('tmpfs-size'), fields.get('tmpfs-mode')];
    return {
      type,
      target,
      ...readOnly,
      ...some('size', size === undefined ? undefined : memory('--mount tmpfs-size', size)),
      ...someOf('options', mode === undefined ? [] : [`mode=${mode}`]),
    };
  }
  const propagation = fields.get('bind-propagation');
  const sourceOf = type === 'bind' ? resolve : volumeName;
  return {
    type,
    ...some('source', source === undefined ? undefined : sourceOf(source)),
    target,
    ...readOnly,
    ...(propagation === undefined || propagation === 'rprivate'
      ? {}
      : { propagation: oneOf('--mount bind-propagation', propagation, propagations) }),
  };
}

export function mountFields(flags: RunFlags): { mounts?: Mount[] } {
  const mounts = [
    ...(flags.volume ?? []).map(volume),
    ...(flags.mount ?? []).map(mount),
    ...(flags.tmpfs ?? []).map(tmpfs),
  ];
  const targets = mounts.map(({ target }) => target);
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) throw new UsageError(`${twice} is mounted twice`);
  return someOf('mounts', mounts);
}
