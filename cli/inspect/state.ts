/** `State` of `docker inspect`. Pure. */
import { type Container, failedStart, trouble } from '../container.ts';
import type { Facts } from './facts.ts';

/** Go's time that is none. */
const never = '0001-01-01T00:00:00Z';

const isOomKilled = ({ status }: Container): boolean =>
  status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'OOMKilled') ??
  false;

/** At rest docker says `unhealthy` of whatever has been checked. */
function healthOf({ spec, status }: Container, isUp: boolean, { health }: Facts): object {
  const checked = health !== undefined && spec.healthcheck?.test[0] !== 'NONE';
  const said = status?.health ?? (checked && !isUp ? 'unhealthy' : undefined);
  if (said === undefined) return {};
  const { failingStreak = 0, log = [] } = health ?? {};
  return { Health: { Status: said, FailingStreak: failingStreak, Log: log } };
}

export function stateOf(container: Container, facts: Facts): object {
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
    Pid: isUp ? facts.pid : 0,
    ExitCode: isUp ? 0 : (status?.exitCode ?? 0),
    Error: failedStart(container) === undefined ? '' : (trouble(container) ?? ''),
    StartedAt: status?.startedAt ?? never,
    FinishedAt: status?.finishedAt ?? never,
    ...healthOf(container, isUp, facts),
  };
}
