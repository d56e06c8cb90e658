/** What the server's parts share. `context` is there once the cache is filled. */
import type { TokenKeys } from '../authentication/token-keys.ts';
import type { MutableKinds } from '../schema/kinds.ts';
import type { Storage } from '../storage/storage.ts';
import type { ApiContext } from '../verbs/request.ts';
import { Watchers } from '../verbs/watchers.ts';
import { type BodyLimits, bodyLimits } from './body.ts';
import { type Log, logLine } from './log.ts';
import { Metrics } from './metrics.ts';
import type { Forwarding } from './streams/forward.ts';

export class ServerState {
  readonly kinds: MutableKinds;
  /** There once the store is connected. */
  storage: Storage | undefined;
  /** How nodes and pods are reached; there once the certificates are read. */
  forwarding: Forwarding | undefined;
  readonly watchers = new Watchers();
  readonly metrics = new Metrics();
  readonly log: Log;
  readonly bodyLimits: BodyLimits;
  context: ApiContext | undefined;
  /** There once the keys are read. */
  tokenKeys: TokenKeys | undefined;
  /** The cache is filled and the namespaces that everybody relies on exist. */
  ready = false;
  stopping = false;

  constructor(kinds: MutableKinds, log: Log = logLine, limits = bodyLimits) {
    this.kinds = kinds;
    this.log = log;
    this.bodyLimits = limits;
  }
}
