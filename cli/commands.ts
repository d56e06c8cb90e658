/** The commands of `bay`: what help says of each, and where it lives. Only the one asked for is loaded. */

import { activityCommands } from './activity-commands.ts';
import { documentCommands } from './document-commands.ts';
import { imageCommands } from './image-commands.ts';

export interface Command {
  /** Resolves with the exit code. */
  run(args: readonly string[]): Promise<number>;
}

export interface CommandEntry {
  readonly usage: string;
  readonly summary: string;
  readonly group: 'cluster' | 'documents' | 'containers' | 'images';
  load(): Promise<Command>;
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  up: {
    usage:
      'up [--detach] [--name N] [--data-dir D] [--run-dir R] [--port P] [--nodes K | --listen IP] [--etcd-endpoints URL,…] [--apply FILE]…',
    summary: 'start a cluster on this machine',
    group: 'cluster',
    load: () => import('./commands/up.ts'),
  },
  down: {
    usage: 'down [--name N]',
    summary: 'stop the cluster and its containers; documents are kept',
    group: 'cluster',
    load: () => import('./commands/down.ts'),
  },
  status: {
    usage: 'status [--name N]',
    summary: 'show the parts of the cluster and how they are',
    group: 'cluster',
    load: () => import('./commands/status.ts'),
  },
  version: {
    usage: 'version [--client] [-o json]',
    summary: 'tell what this program is, and what serves the cluster',
    group: 'cluster',
    load: () => import('./commands/version.ts'),
  },
  info: {
    usage: 'info [--name N]',
    summary: 'show the cluster in a screenful: containers, nodes, versions',
    group: 'cluster',
    load: () => import('./commands/info.ts'),
  },
  doctor: {
    usage: 'doctor [--name N]',
    summary: 'tell whether this machine can hold a cluster, and what helps',
    group: 'cluster',
    load: () => import('./commands/doctor.ts'),
  },
  reset: {
    usage: 'reset --yes [--name N]',
    summary: 'stop the cluster and remove everything it made',
    group: 'cluster',
    load: () => import('./commands/reset.ts'),
  },
  'node-token': {
    usage: 'node-token [--ttl 24h] [--name N]',
    summary: 'let another machine join the cluster: prints the command for it',
    group: 'cluster',
    load: () => import('./commands/node-token.ts'),
  },
  join: {
    usage: 'join URL --token T [--detach] [--node-name N] [--address IP] [--name N]',
    summary: 'make this machine a node of a cluster elsewhere',
    group: 'cluster',
    load: () => import('./commands/join.ts'),
  },
  kubeconfig: {
    usage: 'kubeconfig [--name N]',
    summary: 'print the kubeconfig for kubectl and other clients',
    group: 'cluster',
    load: () => import('./commands/kubeconfig.ts'),
  },
  secrets: {
    usage: 'secrets rotate [--name N]',
    summary: 'encrypt secrets at rest with a new key',
    group: 'cluster',
    load: () => import('./commands/secrets.ts'),
  },
  apply: {
    usage:
      'apply -f FILE|DIRECTORY|- … | -k DIRECTORY [-R] [-n NAMESPACE] [-l SELECTOR] [--prune [--set NAME]] [--wait [--timeout 5m]] [-o FORM] [--dry-run=server|client] [--field-manager NAME]',
    summary: 'make the cluster follow documents',
    group: 'documents',
    load: () => import('./commands/apply.ts'),
  },
  get: {
    usage:
      'get TYPE[,TYPE…] [NAME…] | TYPE/NAME… | -f FILE | -k DIRECTORY [-R] [-n NAMESPACE | -A] [-l SELECTOR] [--field-selector S] [-o wide|json|yaml|name|jsonpath=…|custom-columns=…|go-template=…] [-w] [--watch-only] [--sort-by PATH] [--show-labels] [-L LABEL,…] [--show-kind] [--no-headers] [--ignore-not-found] [--subresource S] [--show-managed-fields] [--raw PATH]',
    summary: 'show documents',
    group: 'documents',
    load: () => import('./commands/get.ts'),
  },
  why: {
    usage: 'why CONTAINER | why TYPE/NAME [-n NAMESPACE]',
    summary: 'tell in one sentence why something is not as it should be, and what helps',
    group: 'documents',
    load: () => import('./commands/why.ts'),
  },
  delete: {
    usage:
      'delete TYPE NAME… | TYPE/NAME… | TYPE -l SELECTOR | TYPE --all | -f FILE | -k DIRECTORY [-R] [-n NAMESPACE | -A] [--grace-period S | --now | --force] [--cascade background|foreground|orphan] [--ignore-not-found] [--wait=false] [--timeout 5m] [-o name] [--dry-run=server|client]',
    summary: 'delete documents and wait until they are gone',
    group: 'documents',
    load: () => import('./commands/delete.ts'),
  },
  ...documentCommands,
  run: {
    usage:
      'run [-d] [-it] [--rm] [--name N] [-e K=V]… [-p PORT]… [-v SRC:DST[:ro]]… [-m BYTES] [--cpus N] [docker’s other flags] IMAGE [COMMAND…]',
    summary: 'create and start a container',
    group: 'containers',
    load: () => import('./commands/run.ts'),
  },
  ps: {
    usage:
      'ps [-a] [-q] [-l | --last N] [-f FILTER]… [--format FORMAT] [--no-trunc] [-n NAMESPACE | -A]',
    summary: 'list containers',
    group: 'containers',
    load: () => import('./commands/ps.ts'),
  },
  logs: {
    usage:
      'logs [-f] [-p] [-n N | --tail N] [--since D | --since-time T] [--until D] [-t] [-c CONTAINER | --all-containers] [--prefix] [--limit-bytes N] [--max-log-requests N] [--ignore-errors] NAME|TYPE/NAME [CONTAINER] | -l SELECTOR',
    summary: 'show what a container wrote',
    group: 'containers',
    load: () => import('./commands/logs.ts'),
  },
  exec: {
    usage:
      'exec [-d] [-e NAME=VALUE] [--env-file FILE] [-i] [-t] [-u USER] [-w DIR] [--privileged] [--detach-keys KEYS] [-c CONTAINER] NAME|pod/NAME COMMAND…',
    summary: 'run a command in a container',
    group: 'containers',
    load: () => import('./commands/exec.ts'),
  },
  stop: {
    usage: 'stop [-t SECONDS] NAME…',
    summary: 'stop containers',
    group: 'containers',
    load: () => import('./commands/stop.ts'),
  },
  start: {
    usage: 'start [-a] [-i] [--detach-keys KEYS] NAME…',
    summary: 'start stopped containers',
    group: 'containers',
    load: () => import('./commands/start.ts'),
  },
  restart: {
    usage: 'restart [-t SECONDS] NAME…',
    summary: 'stop containers and start them again',
    group: 'containers',
    load: () => import('./commands/restart.ts'),
  },
  kill: {
    usage: 'kill [-s SIGNAL] NAME…',
    summary: 'stop containers with SIGKILL, or send them another signal',
    group: 'containers',
    load: () => import('./commands/kill.ts'),
  },
  rm: {
    usage: 'rm [-f] [-v] NAME…',
    summary: 'remove containers',
    group: 'containers',
    load: () => import('./commands/rm.ts'),
  },
  wait: {
    usage:
      'wait NAME… | wait --for=condition=TYPE|jsonpath={.a.b}=V|create|delete|healthy [--timeout 30s] TYPE/NAME…',
    summary:
      'wait for containers to end and print their exit codes, or for documents to be as asked',
    group: 'containers',
    load: () => import('./commands/wait.ts'),
  },
  inspect: {
    usage: 'inspect [-f FORMAT] [-s] [--type container|image|volume] NAME…',
    summary: 'show all that is known of containers, images and volumes, in docker field names',
    group: 'containers',
    load: () => import('./commands/inspect.ts'),
  },
  cp: {
    usage: 'cp [-a] [-L] [-q] NAME:PATH LOCAL|- | LOCAL|- NAME:PATH',
    summary: 'copy files between a container and this machine',
    group: 'containers',
    load: () => import('./commands/cp.ts'),
  },
  diff: {
    usage:
      'diff [-c CONTAINER] NAME|pod/NAME | diff [--node N] IMAGE IMAGE | diff -f FILE | -k DIRECTORY [-R]',
    summary:
      'list what a container has changed of its files, what differs between images, or what documents would change',
    group: 'containers',
    load: () => import('./commands/diff.ts'),
  },
  drift: {
    usage: 'drift [-q] [-n NAMESPACE | -A] [NAME…]',
    summary: 'list files of running containers that are not as their images have them',
    group: 'containers',
    load: () => import('./commands/drift.ts'),
  },
  commit: {
    usage:
      'commit [-a AUTHOR] [-m MESSAGE] [-c CHANGE]… [--pause=false] [--keep-times] NAME [REPOSITORY[:TAG]]',
    summary: 'make an image of a container',
    group: 'containers',
    load: () => import('./commands/commit.ts'),
  },
  export: {
    usage: 'export [-o FILE] [-c CONTAINER] NAME|pod/NAME',
    summary: 'write all files of a container as a tar',
    group: 'containers',
    load: () => import('./commands/export.ts'),
  },
  ...activityCommands,
  oci: {
    usage:
      'oci create|start|state|kill|delete|run|exec|ps|pause|resume|update|events|list|features|spec …',
    summary: 'run OCI bundles, for podman and containerd',
    group: 'containers',
    load: () => import('./commands/oci.ts'),
  },
  ...imageCommands,
};
