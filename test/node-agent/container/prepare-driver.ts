/** An agent that prepares one container and then does nothing: `prepare-driver.ts <directory> <cgroupRoot>`. */
import { containerSpec, sandboxSpec, startNodeAt } from './node.ts';

const [directory = '', cgroupRoot = ''] = process.argv.slice(2);
const node = await startNodeAt(directory, cgroupRoot);
const sandbox = sandboxSpec(node);
await node.runtime.createSandbox(sandbox);
await node.runtime.prepare(containerSpec(node, sandbox.id, { args: ['sleep', '1000'] }));
process.stdout.write('ready\n');
setInterval(() => undefined, 1 << 30);
