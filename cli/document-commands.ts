/** The commands on documents that kubectl has, too. */
import type { CommandEntry } from './commands.ts';

const entry = (usage: string, summary: string, load: CommandEntry['load']): CommandEntry => ({
  usage,
  summary,
  group: 'documents',
  load,
});

const which =
  'TYPE/NAME… | TYPE NAME… | TYPE -l SELECTOR | TYPE --all | -f FILE | -k DIRECTORY [-R] [-n NAMESPACE | -A]';

const nodesMeant = 'NODE… | -l SELECTOR [--dry-run=server]';

export const documentCommands: Readonly<Record<string, CommandEntry>> = {
  describe: entry(
    'describe TYPE [NAME-PREFIX | NAME…] | TYPE/NAME… | -f FILE | -k DIRECTORY [-R] [-l SELECTOR] [-n NAMESPACE | -A] [--show-events=false]',
    'tell all about documents, with their events',
    () => import('./commands/describe.ts'),
  ),
  replace: entry(
    'replace -f FILE | -k DIRECTORY [-R] [-n NAMESPACE] [--force] [--dry-run=server] [-o FORM]',
    'put documents in the place of those that are there',
    () => import('./commands/replace.ts'),
  ),
  edit: entry(
    'edit TYPE/NAME… | -f FILE [-n NAMESPACE] [--field-manager NAME] [--subresource status]',
    'change documents in your editor',
    () => import('./commands/edit.ts'),
  ),
  patch: entry(
    `patch ${which} -p PATCH | --patch-file FILE [--type strategic|merge|json] [--subresource status|scale] [-o FORM] [--dry-run=server]`,
    'change fields of documents',
    () => import('./commands/patch.ts'),
  ),
  scale: entry(
    `scale ${which} --replicas N [--current-replicas N] [--resource-version V] [-o FORM] [--dry-run=server]`,
    'say how many replicas a workload shall have',
    () => import('./commands/scale.ts'),
  ),
  autoscale: entry(
    'autoscale TYPE/NAME… | TYPE NAME… | -f FILE --max N [--min N] [--cpu-percent P] [--name AUTOSCALER] [-n NAMESPACE] [-o FORM] [--dry-run=server|client]',
    'let the number of a workload’s replicas follow its load',
    () => import('./commands/autoscale.ts'),
  ),
  expose: entry(
    'expose TYPE/NAME… | TYPE NAME… | -f FILE [--port P,…] [--target-port P] [--protocol TCP|UDP|SCTP] [--type TYPE] [--name SERVICE] [--selector K=V,…] [-l K=V,…] [--cluster-ip IP] [--external-ip IP] [--load-balancer-ip IP] [--session-affinity ClientIP|None] [-n NAMESPACE] [-o FORM] [--dry-run=server|client]',
    'make a Service for the pods of a workload, a pod or another Service',
    () => import('./commands/expose.ts'),
  ),
  set: entry(
    'set image|env|resources|serviceaccount|selector TYPE/NAME… | TYPE NAME… | TYPE -l SELECTOR | TYPE --all | -f FILE CONTAINER=IMAGE… | *=IMAGE | VARIABLE=VALUE… VARIABLE-… [-e VARIABLE=VALUE] [--from configmap/NAME|secret/NAME] [--keys K,…] [--prefix P] [--overwrite=false] [--list [--resolve]] | [--limits cpu=1,memory=1Gi] [--requests …] | ACCOUNT | KEY=VALUE,… [-c CONTAINERS] [-n NAMESPACE | -A] [-o FORM] [--dry-run=server] [--local]',
    'set images, variables, resources and service account of workloads, the selector of Services',
    () => import('./commands/set.ts'),
  ),
  rollout: entry(
    'rollout status|history|undo|restart|pause|resume TYPE/NAME… [-n NAMESPACE] [-w] [--timeout 5m] [--revision N] [--to-revision N] [-f FILE] [-l SELECTOR] [--dry-run[=server]] [-o FORM]',
    'follow, redo and undo the roll-out of a workload',
    () => import('./commands/rollout.ts'),
  ),
  label: entry(
    `label ${which} KEY=VALUE… KEY-… [--overwrite] [--list] [-o FORM] [--dry-run=server]`,
    'set and remove labels of documents',
    () => import('./commands/label.ts'),
  ),
  annotate: entry(
    `annotate ${which} KEY=VALUE… KEY-… [--overwrite] [--list] [-o FORM] [--dry-run=server]`,
    'set and remove annotations of documents',
    () => import('./commands/annotate.ts'),
  ),
  explain: entry(
    'explain TYPE[.FIELD…] [--recursive] [--api-version V]',
    'tell what a type and its fields are',
    () => import('./commands/explain.ts'),
  ),
  events: entry(
    'events [--for TYPE/NAME] [--types Warning,Normal] [-n NAMESPACE | -A] [-w] [-o FORM] [--no-headers]',
    'tell what happened, oldest first',
    () => import('./commands/events.ts'),
  ),
  'port-forward': entry(
    'port-forward NAME|TYPE/NAME [LOCAL:]PORT… [--address IP] [-n NAMESPACE]',
    'reach ports of a pod at ports of this machine',
    () => import('./commands/port-forward.ts'),
  ),
  cordon: entry(
    `cordon ${nodesMeant}`,
    'keep new pods away from nodes',
    () => import('./commands/cordon.ts'),
  ),
  uncordon: entry(
    `uncordon ${nodesMeant}`,
    'let new pods go to nodes again',
    () => import('./commands/uncordon.ts'),
  ),
  drain: entry(
    'drain NODE… | -l SELECTOR [--ignore-daemonsets] [--delete-emptydir-data] [--force] [--grace-period S] [--timeout 5m] [--pod-selector S] [--disable-eviction] [--dry-run=server]',
    'move all pods away from nodes',
    () => import('./commands/drain.ts'),
  ),
  taint: entry(
    'taint nodes NODE… | -l SELECTOR | --all KEY=VALUE:EFFECT… KEY-… [--overwrite] [--dry-run=server] [-o FORM]',
    'keep pods away from nodes unless they tolerate it',
    () => import('./commands/taint.ts'),
  ),
  'api-resources': entry(
    'api-resources [--namespaced] [--api-group G] [--verbs V,…] [--categories C] [--sort-by name|kind] [-o wide|name] [--no-headers]',
    'list the types that the server has',
    () => import('./commands/api-resources.ts'),
  ),
  'api-versions': entry(
    'api-versions',
    'list the groups and versions that the server has',
    () => import('./commands/api-versions.ts'),
  ),
  auth: entry(
    'auth can-i VERB TYPE[/NAME] [--subresource S] [-n NAMESPACE | -A] [--as USER] [-q] | can-i --list | whoami [-o FORM]',
    'tell who you are, and what you may',
    () => import('./commands/auth.ts'),
  ),
  config: entry(
    'config view [--raw] [--minify] [-o FORM] | get-contexts [NAME…] [-o name] | get-clusters | get-users | use-context NAME | current-context',
    'show the kubeconfig that is used',
    () => import('./commands/config.ts'),
  ),
};
