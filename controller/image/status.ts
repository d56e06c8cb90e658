/** An Image's status, from what its nodes hold and what is under way. Pure. */
import { timestamp } from '#controller/runtime/clock.ts';
import { type Condition, withCondition } from '#controller/runtime/conditions.ts';
import { defined } from '#controller/runtime/write.ts';
import type { HeldImage } from './node-images.ts';
import type { ImageNode, ImagePhase, ImageStatus } from './types.ts';
import { isPushed, type NodeView, type View, type Wanted } from './view.ts';

export interface Found {
  readonly wanted: Wanted;
  /** Nodes that hold the content. */
  readonly there: readonly { readonly node: string; readonly held: HeldImage }[];
  readonly names: readonly string[];
}

export function imageStatus(view: View, found: Found): ImageStatus {
  const { image, nowMs } = view;
  const { wanted, there, names } = found;
  const nodes = view.nodes.map((node) => nodeStatus(node, found));
  const [first] = there;
  const { digest, sizeBytes, createdAt } = first?.held ?? {};
  const isSame = image.status?.observedGeneration === image.metadata.generation;
  // A page that a reader has seen does not go blank because a node is away for a moment.
  const last = isSame && wanted.type !== 'nothing' ? image.status : undefined;
  const ready = readiness(nodes, wanted);
  const pushed = (image.status?.pushed ?? []).filter(({ reference }) =>
    image.spec.push?.includes(reference),
  );
  const now = timestamp(nowMs);
  const { generation } = image.metadata;
  const told = generation === undefined ? {} : { observedGeneration: generation };
  let conditions = withCondition<Condition>(
    image.status?.conditions,
    { type: 'Ready', ...told, ...ready.condition },
    now,
  );
  const sent = pushCondition(view, digest);
  if (sent !== undefined) {
    conditions = withCondition<Condition>(conditions, { type: 'Pushed', ...told, ...sent }, now);
  } else conditions = conditions.filter(({ type }) => type !== 'Pushed');
  return defined({
    phase: sent?.status === 'False' && ready.phase === 'Ready' ? 'Pulling' : ready.phase,
    observedGeneration: generation,
    digest: digest ?? last?.digest,
    sizeBytes: sizeBytes ?? last?.sizeBytes,
    created: createdAt ?? last?.created,
    nodes,
    names: [...names],
    pushed: pushed.length === 0 ? undefined : pushed,
    conditions,
  }) as ImageStatus;
}

function nodeStatus(view: NodeView, { wanted, there }: Found): ImageNode {
  const { name, transfer, problem } = view;
  const held = there.find(({ node }) => node === name)?.held;
  if (held !== undefined) return { name, phase: 'Ready', digest: held.digest };
  if (transfer?.isRunning === true) {
    const { doneBytes, totalBytes, failure } = transfer;
    const bytes = totalBytes === 0 ? {} : { doneBytes, totalBytes };
    return {
      name,
      phase: 'Pulling',
      ...bytes,
      ...(failure === undefined ? {} : { message: failure }),
    };
  }
  const failure = transfer?.failure ?? problem;
  if (failure !== undefined) return { name, phase: 'Failed', message: failure };
  if (wanted.type === 'digest') return { name, phase: 'Pending', message: wanted.advice };
  return { name, phase: 'Pending' };
}

interface Readiness {
  readonly phase: ImagePhase;
  readonly condition: {
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  };
}

function readiness(nodes: readonly ImageNode[], wanted: Wanted): Readiness {
  const no = (phase: ImagePhase, reason: string, message: string): Readiness => ({
    phase,
    condition: { status: 'False', reason, message },
  });
  if (wanted.type === 'nothing') return no('Pending', 'NoSource', wanted.why);
  if (nodes.length === 0) {
    return no('Pending', 'NoNode', 'no node that is ready has the labels of spec.nodeSelector');
  }
  const of = (phase: ImagePhase) => nodes.filter((node) => node.phase === phase);
  const there = of('Ready').length;
  const count = `${there} of ${nodes.length} nodes hold it`;
  if (there === nodes.length) {
    return { phase: 'Ready', condition: { status: 'True', reason: 'Held', message: count } };
  }
  const [failed] = of('Failed');
  if (failed !== undefined) {
    return no('Failed', 'PullFailed', `${count}; ${failed.name}: ${failed.message}`);
  }
  const pulling = of('Pulling');
  if (pulling.length > 0) return no('Pulling', 'Pulling', `${count}${progress(pulling)}`);
  const why = wanted.type === 'digest' ? `; ${wanted.advice}` : '';
  return no('Pending', 'Waiting', `${count}${why}`);
}

function progress(nodes: readonly ImageNode[]): string {
  const sum = (of: 'doneBytes' | 'totalBytes') =>
    nodes.reduce((all, one) => all + (one[of] ?? 0), 0);
  const total = sum('totalBytes');
  if (total === 0) return '';
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return `; ${megabytes(sum('doneBytes'))} of ${megabytes(total)} MB are there`;
}

function pushCondition({ image, pushes }: View, digest: string | undefined) {
  const { push = [] } = image.spec;
  if (push.length === 0) return undefined;
  const done = push.filter((target) => digest !== undefined && isPushed(image, target, digest));
  const count = `${done.length} of ${push.length} references have it`;
  if (done.length === push.length) return { status: 'True', reason: 'Pushed', message: count };
  const failed = push.find((target) => pushes.get(target)?.failure !== undefined);
  if (failed === undefined) return { status: 'False', reason: 'Pushing', message: count };
  const why = `${count}; ${failed}: ${pushes.get(failed)?.failure}`;
  return { status: 'False', reason: 'PushFailed', message: why };
}
