/** The whole agent on this machine: real containers, network, cgroups and mounts; only the API is in memory. */
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensurePki } from '#api/pki/pki.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { silent } from '#controller/runtime/log.ts';
import type { EvictionSettings, Signals } from '#node-agent/eviction/thresholds.ts';
import { ensureBaseImage } from '#node-agent/image/ensure-base-image.ts';
import { type Agent, startAgent } from '#node-agent/node/agent.ts';
import { decodeConfig } from '#node-agent/node/config.ts';
import { openParts } from '#node-agent/node/parts.ts';
import { machine } from '../support/machine.ts';
import { memoryApi } from '../support/memory-collection.ts';

const baseImage = resolve(import.meta.dirname, '../../native/build/base-image.tar');
export const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

/** Small enough for a link's name, and nobody else's. */
const tag = process.pid.toString(36);

/** `podCidr`: of this test alone. */
export async function machineRig({
  podCidr,
  readSignals,
  settings = {},
}: {
  readonly podCidr: string;
  readonly readSignals?: () => Promise<Signals>;
  /** More of the agent's configuration. */
  readonly settings?: EvictionSettings;
}) {
  const dir = mkdtempSync(join(tmpdir(), 'pods-agent-'));
  const pki = join(dir, 'pki');
  await ensurePki({ dir: pki, nodeNames: ['n1'], hosts: [] });
  const [dataDir, runDir] = [join(dir, 'data'), join(dir, 'run')];
  for (const path of [dataDir, runDir]) mkdirSync(path);
  const config = decodeConfig('test', {
    nodeName: 'n1',
    clusterName: `t${tag}`,
    server: 'https://127.0.0.1:1',
    ca: join(pki, 'ca.crt'),
    cert: join(pki, 'node-n1.crt'),
    key: join(pki, 'node-n1.key'),
    bindAddress: '127.0.0.1',
    port: 0,
    dataDir,
    runDir,
    podCidr,
    bridge: `bp-${tag}`,
    cgroupRoot: `/bayplan-t${tag}`,
    ...settings,
  });
  const api = memoryApi();
  const start = async (): Promise<Agent> => {
    const parts = await openParts(config, silent, { ...api, close: () => undefined });
    await ensureBaseImage(parts.images, baseImage);
    return startAgent(readSignals === undefined ? parts : { ...parts, readSignals });
  };
  const ask = (agent: Agent, method: string, path: string) =>
    new Promise<string>((done, fail) => {
      const read = (name: string) => readFileSync(join(pki, name));
      const identity = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
      const target = { host: '127.0.0.1', port: agent.port, method, path, servername: 'n1' };
      const call = request({ ...target, ...identity }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => done(text));
      });
      call.on('error', fail);
      call.end();
    });
  const get = (name: string) => api.collection<Pod>(pods).get({ namespace: 'default', name });
  /** Mounts, cgroups, links, tables and processes that carry our names: other tests run beside us. */
  const ours = () =>
    Object.values(machine())
      .flat()
      .filter(
        (line) => line.includes(dir) || line.includes(`t${tag}`) || line.includes(`bp-${tag}`),
      );
  return { dir, api, start, ask, get, ours };
}
