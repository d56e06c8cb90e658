/** An agent that has nothing to do but keep a supervisor ready: `spare-driver.ts <directory> <cgroupRoot>`. */
import { mkdirSync } from 'node:fs';
import { createRuntime } from '#node-agent/container/create-runtime.ts';

const [directory = '', cgroupRoot = ''] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
await createRuntime({
  dataDir: `${directory}/data`,
  runDir: `${directory}/run`,
  cgroupRoot,
  spares: true,
}).adopt();
setInterval(() => undefined, 1 << 30);
