/** The flags of `bay run` and `bay create`, with docker's names. */

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean' } as const;

export const runOptions = {
  detach: { type: 'boolean', short: 'd' },
  interactive: { type: 'boolean', short: 'i' },
  tty: { type: 'boolean', short: 't' },
  rm: flag,
  // docker's --name is the container's; the cluster is told by BAY_NAME or --cluster here.
  name: text,
  cluster: text,
  pull: text,
  quiet: { type: 'boolean', short: 'q' },
  restart: text,
  'stop-signal': text,
  'stop-timeout': text,
  entrypoint: text,
  env: { ...list, short: 'e' },
  'env-file': list,
  workdir: { type: 'string', short: 'w' },
  user: { type: 'string', short: 'u' },
  'group-add': list,
  init: flag,
  ulimit: list,
  label: { ...list, short: 'l' },
  'label-file': list,
  publish: { ...list, short: 'p' },
  'publish-all': { type: 'boolean', short: 'P' },
  expose: list,
  hostname: { type: 'string', short: 'h' },
  domainname: text,
  'add-host': list,
  dns: list,
  'dns-search': list,
  'dns-option': list,
  network: text,
  net: text,
  pid: text,
  ipc: text,
  uts: text,
  userns: text,
  volume: { ...list, short: 'v' },
  mount: list,
  tmpfs: list,
  'read-only': flag,
  device: list,
  'shm-size': text,
  sysctl: list,
  privileged: flag,
  'cap-add': list,
  'cap-drop': list,
  'security-opt': list,
  memory: { type: 'string', short: 'm' },
  'memory-reservation': text,
  'memory-swap': text,
  cpus: text,
  'cpu-shares': { type: 'string', short: 'c' },
  'cpuset-cpus': text,
  'pids-limit': text,
  'oom-score-adj': text,
  'health-cmd': text,
  'health-interval': text,
  'health-timeout': text,
  'health-retries': text,
  'health-start-period': text,
  'no-healthcheck': flag,
} as const;

type Value<O> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? readonly string[]
    : string;

/** What was given on the command line; what was not is absent. */
export type RunFlags = {
  readonly [K in keyof typeof runOptions]?: Value<(typeof runOptions)[K]> | undefined;
};
