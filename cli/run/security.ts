/** What the program may do, and which devices and parameters of the kernel are its own. */
import { UsageError } from '../arguments.ts';
import type { Container } from '../container.ts';
import type { RunFlags } from './flags.ts';
import { memory, pair, some, someOf } from './values.ts';

type Spec = Container['spec'];
type Security = NonNullable<Spec['security']>;

const capability = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');

const labelKeys = ['user', 'role', 'type', 'level'] as const;

/** Docker's `label=type:NAME`, and `label=disable`, which is how a container is that names none. */
function label(text: string, value: string): Security {
  const [, key, named] = /^(user|role|type|level):(.+)$/.exec(value) ?? [];
  if (value === 'disable') return {};
  if (key !== undefined && named !== undefined) return { selinux: { [key]: named } };
  throw new UsageError(
    `--security-opt '${text}': write label=disable or label=KEY:VALUE, KEY one of ${labelKeys.join(', ')}`,
  );
}

/** Those of several options together. */
function selinuxOf(options: readonly Security[]): Security {
  const all = Object.assign({}, ...options.map(({ selinux }) => selinux));
  return Object.keys(all).length === 0 ? {} : { selinux: all };
}

/** `no-new-privileges`, `seccomp=NAME`, `apparmor=NAME`, `label=…`, `systempaths=unconfined`; `:` for `=` as of old. */
function option(text: string): Security {
  const [, name = '', value] = /^([^=:]+)(?:[=:](.*))?$/.exec(text) ?? [];
  const named = value === 'builtin' || value === '' ? 'default' : (value ?? 'default');
  if (name === 'no-new-privileges') {
    if (value === undefined || value === 'true') return { noNewPrivileges: true };
    if (value === 'false') return {};
  }
  if (name === 'seccomp' && value !== undefined) return { seccomp: named };
  if (name === 'apparmor' && value !== undefined) {
    return { apparmor: named === 'docker-default' ? 'default' : named };
  }
  if (name === 'systempaths' && value === 'unconfined') return { unmasked: true };
  if (name === 'label' && value !== undefined) return label(text, value);
  throw new UsageError(
    `--security-opt '${text}': one of no-new-privileges, seccomp=NAME, apparmor=NAME, label=KEY:VALUE, systempaths=unconfined`,
  );
}

function capabilities(flags: RunFlags): Security {
  const found = {
    ...someOf('add', [...new Set(flags['cap-add']?.map(capability))]),
    ...someOf('drop', [...new Set(flags['cap-drop']?.map(capability))]),
  };
  return Object.keys(found).length === 0 ? {} : { capabilities: found };
}

/** `/dev/fuse`, `/dev/sda:/dev/xvda`, `/dev/sda:/dev/xvda:r`, `/dev/sda:r`. */
function device(text: string): NonNullable<Spec['devices']>[number] {
  const [source = '', second, third, more] = text.split(':');
  const isMode = (word: string | undefined) => word !== undefined && /^[rwm]{1,3}$/.test(word);
  const [path, mode] =
    third === undefined && isMode(second) ? [source, second] : [second ?? source, third];
  const isRight = [source, path].every((one) => one.startsWith('/')) && more === undefined;
  if (!isRight || (mode !== undefined && !isMode(mode))) {
    throw new UsageError(`--device '${text}': write /SOURCE[:/PATH[:rwm]]`);
  }
  const permissions = mode && ['r', 'w', 'm'].filter((letter) => mode.includes(letter)).join('');
  return { source, path, ...some('permissions', permissions) };
}

export function securityFields(flags: RunFlags): Partial<Spec> {
  const options = (flags['security-opt'] ?? []).map(option);
  const security: Security = {
    ...(flags.privileged === true ? { privileged: true } : {}),
    ...capabilities(flags),
    ...(flags['read-only'] === true ? { readOnlyRootFilesystem: true } : {}),
    ...Object.assign({}, ...options),
    ...selinuxOf(options),
  };
  const sysctls = (flags.sysctl ?? []).map((entry) => {
    if (!entry.includes('=')) throw new UsageError(`--sysctl '${entry}': write NAME=VALUE`);
    return pair('--sysctl', entry);
  });
  const size = flags['shm-size'];
  return {
    ...(Object.keys(security).length === 0 ? {} : { security }),
    ...someOf('devices', (flags.device ?? []).map(device)),
    ...(sysctls.length === 0 ? {} : { sysctls: Object.fromEntries(sysctls) }),
    ...some('shmSize', size === undefined ? undefined : memory('--shm-size', size)),
  };
}
