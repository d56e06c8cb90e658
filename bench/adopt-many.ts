/**
 * A new agent: adopts what there is and says how long that took and how long a turn of its event loop was at most: of the
 * clock, in which others may have had the processor, and of its own work. `adopt-many.ts <directory> <cgroupRoot>`
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createRuntime } from '#node-agent/container/create-runtime.ts';

const [directory = '', cgroupRoot = ''] = process.argv.slice(2);
const runtime = createRuntime({
  dataDir: `${directory}/data`,
  runDir: `${directory}/run`,
  cgroupRoot,
});
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
await new Promise((resolve) => setTimeout(resolve, 50));
delay.reset();
let turnMs = 0;
let last = process.threadCpuUsage();
// Not oftener than once in a millisecond, so that the loop rests as it does without: what is measured is at most that more.
const turns = setInterval(() => {
  const { user, system } = process.threadCpuUsage(last);
  turnMs = Math.max(turnMs, (user + system) / 1000);
  last = process.threadCpuUsage();
}, 1);
const [before, cpu] = [performance.now(), process.cpuUsage()];
const { containers } = await runtime.adopt();
const wallMs = performance.now() - before;
const { user, system } = process.cpuUsage(cpu);
delay.disable();
clearInterval(turns);
const running = containers.filter(({ state }) => state.phase === 'running').length;
const blockMs = delay.max / 1e6;
process.stdout.write(
  `${JSON.stringify({ running, wallMs, cpuMs: (user + system) / 1000, blockMs, turnMs })}\n`,
);
runtime.close();
process.exit(0);
