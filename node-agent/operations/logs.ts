/** All that a Container has written, as docker shows it: what its earlier Pods left first, then what is being written. */
import { stat } from 'node:fs/promises';
import { badRequest } from '#api/resources/status.ts';
import { keptLogs } from '../pod/kept-logs.ts';
import type { NodePaths } from '../pod/paths.ts';
import { containerLog, type LogSource } from '../server/container-log.ts';
import { type LogOptions, logOptions } from '../server/log-options.ts';
import { countLines } from '../server/log-tail.ts';
import type { Call, Route } from '../server/node-api.ts';
import { answerLog, logSource, waitingFor } from '../server/pod-routes.ts';
import type { OperationsWorld } from './place.ts';

type LogsWorld = Pick<OperationsWorld, 'pods' | 'runtime' | 'kept'> & {
  readonly paths: NodePaths;
};

interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  /** Of the Container document. */
  readonly uid: string;
}

/** `GET /files/{namespace}/{name}/{container}/log?uid=`, with the query of `kubectl logs`. */
export const containerLogRoute = (world: LogsWorld): Route<Call> => ({
  method: 'GET',
  path: /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/log$/,
  answer: async ({ parts, query, response }) => {
    const [namespace = '', name = '', container = ''] = parts;
    const uid = query.get('uid') ?? '';
    const wanted = logOptions(query, Date.now());
    const all = await sourcesOf(world, { namespace, name, container, uid });
    const sources = wanted.previous ? all.slice(-2, -1) : all;
    if (wanted.previous && sources.length === 0) {
      throw badRequest(`container ${namespace}/${name} has no earlier run whose output is kept`);
    }
    if (all.length === 0) tellWhatItWaitsFor(world, { namespace, name, container });
    const shares = await tailOf(sources, wanted.tailLines);
    await answerLog(response, (signal) => logsOf(shares, wanted, signal));
  },
});

/** A container whose image cannot be had has no output, and the reader should know why. @throws StatusError 400 */
function tellWhatItWaitsFor(world: LogsWorld, { namespace, name, container }: Omit<Asked, 'uid'>) {
  const found = world.pods.find(namespace, name);
  if (found === undefined || found.state.attempts(container).length > 0) return;
  const reason = waitingFor(found.state, container);
  throw badRequest(`container "${name}" is waiting to start: ${reason}`);
}

/** Attempts whose layer is the Container's: a Pod of its name may be somebody else's. */
function written(world: LogsWorld, { namespace, name, container, uid }: Asked): LogSource[] {
  return world.pods.states(namespace, name).flatMap((state) =>
    state
      .attempts(container)
      .filter(({ id }) => {
        const layer = world.runtime.get(id)?.spec.layerDir;
        return layer !== undefined && world.kept.ownerOf(layer) === uid;
      })
      .map((attempt) => logSource(world, state.identity, attempt)),
  );
}

const atRest = (path: string): LogSource => ({
  path,
  isLive: () => false,
  onChange: () => () => undefined,
});

/** A Pod's log that is gone when it is looked at has just become one of those that are kept: then all is looked at again. */
async function sourcesOf(world: LogsWorld, asked: Asked): Promise<readonly LogSource[]> {
  for (let looks = 0; ; looks += 1) {
    const own = written(world, asked);
    const kept = (await keptLogs(world.kept.dir(asked.uid))).map(atRest);
    const there = await Promise.all(own.map(({ path }) => exists(path)));
    if (looks === 5 || there.every(Boolean)) {
      return [...kept, ...own.filter((_, i) => there[i])];
    }
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

interface Share {
  readonly source: LogSource;
  readonly tailLines?: number;
}

/** The last `lines` lines of all sources together. */
async function tailOf(sources: readonly LogSource[], lines?: number): Promise<readonly Share[]> {
  if (lines === undefined) return sources.map((source) => ({ source }));
  const shares: Share[] = [];
  let left = lines;
  for (const source of sources.toReversed()) {
    const tailLines = await countLines(source.path, left);
    shares.unshift({ source, tailLines });
    left -= tailLines;
  }
  return shares;
}

async function* logsOf(
  shares: readonly Share[],
  { tailLines: _, ...wanted }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let left = wanted.limitBytes;
  for (const [i, { source, ...tail }] of shares.entries()) {
    if (left !== undefined && left <= 0) return;
    const options = {
      ...wanted,
      ...tail,
      ...(left === undefined ? {} : { limitBytes: left }),
      follow: wanted.follow && i === shares.length - 1,
    };
    for await (const chunk of containerLog(source, options, signal)) {
      if (left !== undefined) left -= chunk.length;
      yield chunk;
    }
  }
}
