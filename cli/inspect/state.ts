/** `State` of `docker inspect`. Pure. */
import { type Container, failedStart, trouble } from '../container.ts';
import type { Facts } from './facts.ts';

/** Go's time that is none. */
const never = '0001-01-01T00:00:00Z';

const isOomKilled = ({ status }: Container): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'OOMKilled') ??
  false;

export function stateOf(container: Container, { pid }: Facts): object {
  const { status } = container;
  const phase = status?.phase ?? 'created';
  const isUp = phase === 'running' || phase === 'paused';
  return {
    Status: phase,
    Running: isUp || phase === 'restarting',
    Paused: phase === 'paused',
    Restarting: phase === 'restarting',
    OOMKilled: !isUp && isOomKilled(container),
    Dead: phase === 'dead',
    Pid: isUp ? pid : 0,
    ExitCode: isUp ? 0 : (status?.exitCode ?? 0),
    Error: failedStart(container) === undefined ? '' : (trouble(container) ?? ''),
    StartedAt: status?.startedAt ?? never,
    FinishedAt: status?.finishedAt ?? never,
    ...(status?.health === undefined ? {} : { Health: { Status: status.health } }),
  };
}
