/** The commands of `bay`: what help says of each, and where it lives. Only the one asked for is loaded. */

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
      'up [--detach] [--name N] [--data-dir D] [--run-dir R] [--port P] [--etcd-endpoints URL,…] [--apply FILE]…',
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
  reset: {
    usage: 'reset --yes [--name N]',
    summary: 'stop the cluster and remove everything it made',
    group: 'cluster',
    load: () => import('./commands/reset.ts'),
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
    usage: 'apply -f FILE|DIRECTORY|- … [-n NAMESPACE]',
    summary: 'make the cluster follow documents',
    group: 'documents',
    load: () => import('./commands/apply.ts'),
  },
  get: {
    usage: 'get TYPE [NAME…] [-n NAMESPACE | -A] [-l SELECTOR] [-o wide|json|yaml|name] [-w]',
    summary: 'show documents',
    group: 'documents',
    load: () => import('./commands/get.ts'),
  },
  delete: {
    usage: 'delete TYPE NAME… | -f FILE [-n NAMESPACE] [--grace-period S] [--no-wait]',
    summary: 'delete documents and wait until they are gone',
    group: 'documents',
    load: () => import('./commands/delete.ts'),
  },
  run: {
    usage:
      'run [-d] [-it] [--rm] [--name N] [-e K=V]… [-p PORT]… [-v SRC:DST[:ro]]… [-m BYTES] [--cpus N] IMAGE [COMMAND…]',
    summary: 'create and start a container',
    group: 'containers',
    load: () => import('./commands/run.ts'),
  },
  ps: {
    usage: 'ps [-a] [-q] [-n NAMESPACE | -A]',
    summary: 'list containers',
    group: 'containers',
    load: () => import('./commands/ps.ts'),
  },
  logs: {
    usage: 'logs [-f] [-p] [--tail N] [--since D] [-t] [-c CONTAINER] NAME|pod/NAME',
    summary: 'show what a container wrote',
    group: 'containers',
    load: () => import('./commands/logs.ts'),
  },
  exec: {
    usage: 'exec [-i] [-t] [-c CONTAINER] NAME|pod/NAME COMMAND…',
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
    usage: 'start NAME…',
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
    usage: 'kill NAME…',
    summary: 'stop containers with SIGKILL',
    group: 'containers',
    load: () => import('./commands/kill.ts'),
  },
  rm: {
    usage: 'rm [-f] NAME…',
    summary: 'remove containers',
    group: 'containers',
    load: () => import('./commands/rm.ts'),
  },
  wait: {
    usage: 'wait NAME…',
    summary: 'wait for containers to end and print their exit codes',
    group: 'containers',
    load: () => import('./commands/wait.ts'),
  },
  inspect: {
    usage: 'inspect NAME…',
    summary: 'show all that is known of containers, as JSON',
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
    usage: 'diff [-c CONTAINER] NAME|pod/NAME | diff [--node N] IMAGE IMAGE',
    summary: 'list what a container has changed of its files, or how two images differ',
    group: 'containers',
    load: () => import('./commands/diff.ts'),
  },
  commit: {
    usage: 'commit [-a AUTHOR] [-m MESSAGE] [-c CHANGE]… [--keep-times] NAME [REPOSITORY[:TAG]]',
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
  pull: {
    usage: 'pull [-q] [--creds USER:PASSWORD] [--node N] [REGISTRY/]NAME[:TAG][@DIGEST]',
    summary: 'bring an image from its registry to the nodes',
    group: 'images',
    load: () => import('./commands/pull.ts'),
  },
  push: {
    usage: 'push [-q] [--creds USER:PASSWORD] [--node N] [REGISTRY/]NAME[:TAG]',
    summary: 'send an image to the registry its name says',
    group: 'images',
    load: () => import('./commands/push.ts'),
  },
  oci: {
    usage:
      'oci create|start|state|kill|delete|run|exec|ps|pause|resume|update|events|list|features|spec …',
    summary: 'run OCI bundles, for podman and containerd',
    group: 'containers',
    load: () => import('./commands/oci.ts'),
  },
  images: {
    usage: 'images [-q] [--digests] [--no-trunc] [--node N] [NAME[:TAG]]',
    summary: 'list images',
    group: 'images',
    load: () => import('./commands/images.ts'),
  },
  tag: {
    usage: 'tag [--node N] SOURCE TARGET',
    summary: 'give an image another name',
    group: 'images',
    load: () => import('./commands/tag.ts'),
  },
  rmi: {
    usage: 'rmi [--node N] IMAGE…',
    summary: 'take names away from images; what nobody names is removed',
    group: 'images',
    load: () => import('./commands/rmi.ts'),
  },
  system: {
    usage: 'system df | system prune [-a] [-f] [--filter until=24h] [--node N]',
    summary: "show what the nodes' disks are used for, remove what nobody uses",
    group: 'images',
    load: () => import('./commands/system.ts'),
  },
  save: {
    usage: 'save [-o FILE] [--node N] IMAGE…',
    summary: 'write images as a tar',
    group: 'images',
    load: () => import('./commands/save.ts'),
  },
  load: {
    usage: 'load [-i FILE] [-q] [--node N]',
    summary: 'bring images of a tar to the nodes',
    group: 'images',
    load: () => import('./commands/load.ts'),
  },
  import: {
    usage: 'import [-m MESSAGE] [-c CHANGE]… [--node N] FILE|- [REPOSITORY[:TAG]]',
    summary: 'make an image of a tar of files',
    group: 'images',
    load: () => import('./commands/import.ts'),
  },
  history: {
    usage: 'history [-q] [--no-trunc] [--node N] IMAGE',
    summary: 'show how an image was made',
    group: 'images',
    load: () => import('./commands/history.ts'),
  },
  image: {
    usage:
      'image load FILE | image pull NAME | image push NAME | image ls | image rm REFERENCE | image tag SOURCE TARGET',
    summary: 'bring images to the cluster and list them',
    group: 'images',
    load: () => import('./commands/image.ts'),
  },
};
