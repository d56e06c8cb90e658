/** A container as a line of `bay ps`. Pure but for the time. */
import { type Container, type Port, portsOf } from './container.ts';
import { duration } from './duration.ts';
import { idOf, nameOf } from './find-container.ts';
import type { Columns, Row } from './listing.ts';

export const containerColumns: Columns = [
  ['CONTAINER ID', 'ID'],
  ['IMAGE', 'Image'],
  ['COMMAND', 'Command'],
  ['CREATED', 'RunningFor'],
  ['STATUS', 'Status'],
  ['PORTS', 'Ports'],
  ['NAMES', 'Names'],
];

const ago = (time: string | undefined): string =>
  time === undefined ? '' : duration((Date.now() - Date.parse(time)) / 1000);

/** As docker words it: `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`. */
export function statusText({ status }: Container): string {
  const { health, phase, exitCode = 0 } = status ?? {};
  const well =
    health === undefined ? '' : ` (${health === 'starting' ? 'health: starting' : health})`;
  switch (phase) {
    case 'running':
      return `Up ${ago(status?.startedAt)}${well}`;
    case 'paused':
      return `Up ${ago(status?.startedAt)} (Paused)`;
    case 'exited':
      return `Exited (${exitCode}) ${ago(status?.finishedAt)} ago`;
    case 'restarting':
      return `Restarting (${exitCode}) ${ago(status?.finishedAt)} ago`;
    case undefined:
      return 'Created';
    default:
      return `${phase.charAt(0).toUpperCase()}${phase.slice(1)}`;
  }
}

/** `0.0.0.0:8080->80/tcp`, or `80/tcp` for one that is not reachable from outside. */
function portText(port: Port): string {
  const inside = `${port.containerPort}/${(port.protocol ?? 'TCP').toLowerCase()}`;
  if (port.hostPort === undefined) return inside;
  return `${port.hostIP ?? '0.0.0.0'}:${port.hostPort}->${inside}`;
}

/** `whole`: nothing is cut. */
export function containerRow(container: Container, whole: boolean): Row {
  const { spec, metadata, status } = container;
  const line = [...(spec.command ?? []), ...(spec.args ?? [])].join(' ');
  const first = line.split('\n')[0] ?? '';
  const command = whole ? line : first.length > 24 ? `${first.slice(0, 22)}…` : first;
  const labels = Object.entries(spec.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return {
    ID: whole ? idOf(container) : idOf(container).slice(0, 12),
    Image: spec.image,
    Command: `"${command}"`,
    CreatedAt: metadata.creationTimestamp ?? '',
    RunningFor: `${ago(metadata.creationTimestamp)} ago`,
    State: status?.phase ?? 'created',
    Status: statusText(container),
    Ports: portsOf(container).map(portText).join(', '),
    Names: nameOf(container),
    Labels: labels.join(','),
    Mounts: (spec.mounts ?? []).map(({ source, target }) => source ?? target).join(','),
    Networks: 'cluster',
  };
}
