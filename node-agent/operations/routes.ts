/**
 * A container's files over HTTP. `container` is `main` for a Container document's, which `uid` says:
 *
 *     GET  /files/{namespace}/{name}/{container}/changes          what it has changed: [{Path, Kind}]
 *     HEAD, GET, PUT  …/archive?path=                              docker cp
 *     GET  …/export                                               all of it as one tar, without volumes
 *     GET  …/inspect?size=true                                 its process, its image, what is mounted
 *     GET  …/log?follow=&tailLines=…                           what it has written (logs.ts)
 *     GET  …/top?ps_args=   …/stats   POST …/kill?signal=           its processes
 *     POST …/rollback?reference=&volumes=true                      as it was in a commit, at rest
 *     POST …/commit?reference=&author=&comment=&changes=…&pause=   a new image
 */
import { closeSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { badRequest, StatusError } from '#api/resources/status.ts';
import { listChanges, openMerged, streamTree } from '#native/layers.ts';
import { parseReference } from '../image/reference.ts';
import { toStatus } from '../server/image-routes.ts';
import { type Call, type Route, sendJson, type UpgradeCall } from '../server/node-api.ts';
import { sendProcesses, sendSignal, sendStats } from './activity.ts';
import { answerGet, answerPut, answerStat } from './archive.ts';
import { commit } from './commit.ts';
import { documentConfig } from './document-config.ts';
import { execRoutes } from './exec.ts';
import { sendFacts } from './inspect.ts';
import { exists, findPlace, type OperationsWorld, type Place, readable } from './place.ts';
import { whileStill } from './still.ts';

type Answer = (world: OperationsWorld, place: Place, call: Call) => Promise<void>;

/** Those that end in streams. */
export const operationUpgrades = (world: OperationsWorld): Route<UpgradeCall>[] =>
  execRoutes(world);

/** `onImages`: called when there is another image. */
export function operationRoutes(world: OperationsWorld, onImages: () => void): Route<Call>[] {
  const route = (method: string, operation: string, answer: Answer): Route<Call> => ({
    method,
    path: new RegExp(`^/files/([^/]+)/([^/]+)/([^/]+)/${operation}$`),
    answer: async (call) => {
      const [namespace = '', name = '', container = ''] = call.parts;
      const uid = call.query.get('uid') ?? undefined;
      try {
        const place = await findPlace(world, { namespace, name, container, uid });
        await answer(world, place, call);
      } catch (error) {
        throw error instanceof StatusError ? error : toStatus(error);
      }
    },
  });
  return [
    route('GET', 'changes', sendChanges),
    route('HEAD', 'archive', answerStat),
    route('GET', 'archive', answerGet),
    route('PUT', 'archive', answerPut),
    route('GET', 'export', sendExport),
    route('GET', 'inspect', sendFacts),
    route('POST', 'rollback', answerRollback),
    route('GET', 'top', sendProcesses),
    route('GET', 'stats', sendStats),
    route('POST', 'kill', sendSignal),
    route('POST', 'commit', async (all, place, call) => {
      await answerCommit(all, place, call);
      onImages();
    }),
  ];
}

/** Docker's numbers. */
const kinds = { C: 0, A: 1, D: 2 } as const;

async function sendChanges(_world: OperationsWorld, { upper, lowers }: Place, call: Call) {
  const changes = (await exists(upper)) ? await listChanges(upper, lowers) : [];
  sendJson(
    call.response,
    changes.map(({ kind, path }) => ({ Path: path, Kind: kinds[kind] })),
  );
}

async function sendExport(_world: OperationsWorld, place: Place, { response }: Call) {
  const root = openMerged(await readable(place));
  try {
    const { stream, archived } = streamTree({ root });
    response.writeHead(200, { 'content-type': 'application/x-tar' });
    await pipeline(stream, response).catch(() => response.destroy());
    await archived.catch(() => undefined);
  } finally {
    closeSync(root);
  }
}

async function answerCommit(world: OperationsWorld, place: Place, { query, response }: Call) {
  const reference = query.get('reference') ?? undefined;
  if (reference !== undefined) checkReference(reference);
  const config = await documentConfig(world.kept, place);
  const asked = {
    reference,
    author: query.get('author') ?? undefined,
    message: query.get('comment') ?? undefined,
    changes: query.getAll('changes'),
    config,
    keepTimes: query.get('keepTimes') === 'true',
    volumes: query.getAll('volumes'),
  };
  const work = () => commit(world, place, asked);
  const isStill = query.get('pause') !== 'false' && query.get('pause') !== '0';
  const { image, changed } = await (isStill ? whileStill(world, place, work) : work());
  sendJson(
    response,
    { Id: image.id, Digest: image.digest, Size: image.sizeBytes, Changed: changed },
    201,
  );
}

async function answerRollback(world: OperationsWorld, place: Place, { query, response }: Call) {
  const reference = query.get('reference') ?? '';
  if (reference === '') throw badRequest('the query has no reference: the image of a snapshot');
  const { rollBack, untilEnded } = await import('./rollback.ts');
  await untilEnded(world, place);
  const { namespace, name, uid } = place;
  const ended = await findPlace(world, { namespace, name, uid, container: 'main' });
  const withVolumes = query.get('volumes') === 'true';
  sendJson(response, await rollBack(world, ended, { reference, withVolumes }));
}

function checkReference(reference: string): void {
  try {
    parseReference(reference);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}
