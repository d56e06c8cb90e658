/** Starts one container and never does anything else: `one-start.ts <directory> <cgroupRoot> <layer> <specs>` */
import { createRuntime } from '#node-agent/container/create-runtime.ts';

const [directory = '', cgroupRoot = '', , specs = '{}'] = process.argv.slice(2);
const { sandbox, container } = JSON.parse(specs);
const runtime = createRuntime({
  dataDir: `${directory}/data`,
  runDir: `${directory}/run`,
  cgroupRoot,
});
await runtime.adopt();
if (sandbox !== undefined) await runtime.createSandbox(sandbox);
const started = runtime.start(container);
process.stdout.write('ready\n');
await started;
process.stdout.write('started\n');
setInterval(() => undefined, 1000);
