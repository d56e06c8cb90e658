/** The commands on containers that run, and on what a container is called. */
import type { CommandEntry } from './commands.ts';

const entry = (usage: string, summary: string, load: CommandEntry['load']): CommandEntry => ({
  usage,
  summary,
  group: 'containers',
  load,
});

export const activityCommands: Readonly<Record<string, CommandEntry>> = {
  create: entry(
    'create [OPTIONS OF run] IMAGE [COMMAND…] | create -f FILE | -k DIRECTORY [-R] | create KIND NAME [kubectl’s flags] [-- COMMAND…] [-n NAMESPACE] [--dry-run=server|client] [-o FORM], where KIND is namespace, configmap, secret generic|tls|docker-registry, deployment, job, cronjob, service clusterip|nodeport|loadbalancer|externalname, serviceaccount, token, role, rolebinding, clusterrole, clusterrolebinding, quota, poddisruptionbudget, priorityclass or ingress',
    'make a container without starting it, or documents that are not there yet',
    () => import('./commands/create.ts'),
  ),
  attach: entry(
    'attach [--no-stdin] [--detach-keys KEYS] [--sig-proxy=false] NAME',
    'connect this terminal with a container that runs',
    () => import('./commands/attach.ts'),
  ),
  pause: entry(
    'pause NAME…',
    'freeze all processes of containers',
    () => import('./commands/pause.ts'),
  ),
  unpause: entry(
    'unpause NAME…',
    'let paused containers go on',
    () => import('./commands/unpause.ts'),
  ),
  rename: entry(
    'rename NAME NEW-NAME',
    'call a container otherwise',
    () => import('./commands/rename.ts'),
  ),
  update: entry(
    'update [-m BYTES] [--memory-reservation BYTES] [--cpus N] [-c SHARES] [--pids-limit N] [--restart POLICY] NAME…',
    'change the limits and the restart policy of containers',
    () => import('./commands/update.ts'),
  ),
  snapshot: entry(
    'snapshot [-m MESSAGE] [-a AUTHOR] [--volumes | --volume TARGET…] [--image NAME] [--expire 7d] [--every 1h [--keep N]] NAME [SNAPSHOT]',
    'keep a container as it is now, once or over and over',
    () => import('./commands/snapshot.ts'),
  ),
  rollback: entry(
    'rollback [--volumes] [-t SECONDS] NAME SNAPSHOT|IMAGE',
    'make a container as a snapshot of it was',
    () => import('./commands/rollback.ts'),
  ),
  top: entry(
    'top [-c CONTAINER] NAME|pod/NAME [-ef | aux | -o COLUMN,…] | top pods|nodes [NAME] [-n NAMESPACE | -A] [-l SELECTOR] [--containers] [--sort-by cpu|memory] [--sum] [--no-headers]',
    'show the processes of a container, or what pods and nodes use',
    () => import('./commands/top.ts'),
  ),
  stats: entry(
    'stats [-a] [--no-stream] [--no-trunc] [--format FORMAT] [NAME…]',
    'show what containers use',
    () => import('./commands/stats.ts'),
  ),
  volume: entry(
    'volume create [NAME] | ls [-q] [-f FILTER]… | inspect NAME… | rm [-f] NAME… | prune [-a] [-f]',
    'make, list and remove volumes with a name',
    () => import('./commands/volume.ts'),
  ),
  port: entry(
    'port NAME [PORT[/PROTOCOL]]',
    "show where a container's ports can be reached",
    () => import('./commands/port.ts'),
  ),
};
