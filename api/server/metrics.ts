/** Counters in Prometheus' text format, by kube-apiserver's names: stock dashboards and alerts find what they look for. */
import { readdirSync } from 'node:fs';
import type { Kind, Kinds } from '../schema/kind.ts';
import type { WatchCache } from '../storage/watch-cache.ts';
import type { Watchers } from '../verbs/watchers.ts';
import { Histogram } from './histogram.ts';
import { isStream, type RequestInfo, type ResourceTarget } from './request-info.ts';
import { gitVersion } from './version.ts';

/** kube-apiserver's `apiserver_request_duration_seconds`. */
const secondsBuckets = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20],
  ...[30, 45, 60],
];

const knownVerbs = new Set(
  'get list watch create update patch delete deletecollection connect'.split(' '),
);
/** These take as long as their client wants: their time says nothing. */
const longRunning = new Set(['WATCH', 'CONNECT']);

/** Requests of one kind, by what they are counted as. */
interface Series {
  readonly verb: string;
  readonly labels: string;
  readonly codes: Map<number, number>;
  seconds: Histogram | undefined;
}

interface Counted {
  readonly verb: string;
  readonly subresource: string;
  readonly of: ResourceTarget | undefined;
}

/** What a request is counted as. Nothing of it is what a client makes up: else it could fill our memory. */
function countedAs(
  asked: string,
  target: ResourceTarget | undefined,
  known: ReturnType<Kinds['find']>,
): Counted {
  const of = known === undefined ? undefined : target;
  const connects = of !== undefined && isStream(of);
  const verb = connects ? 'CONNECT' : knownVerbs.has(asked) ? asked.toUpperCase() : 'OTHER';
  const subresource = connects || isKnown(known, of) ? (of?.subresource ?? '') : '';
  return { verb, subresource, of };
}

function labelsOf({ verb, subresource, of }: Counted): string {
  const { group = '', version = '', resource = '' } = of ?? {};
  return (
    `verb="${verb}",group="${group}",version="${version}",resource="${resource}",` +
    `subresource="${subresource}",scope="${scopeOf(of)}",component="apiserver"`
  );
}

const isKnown = (kind: ReturnType<Kinds['find']>, target: ResourceTarget | undefined): boolean =>
  kind?.subresources.some(({ name }) => name === target?.subresource) === true;

function scopeOf(target: ResourceTarget | undefined): string {
  if (target === undefined) return '';
  if (target.name !== undefined) return 'resource';
  return target.namespace === undefined ? 'cluster' : 'namespace';
}

const mutating = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

type Family = readonly [name: string, type: string, help: string, lines: readonly string[]];

export class Metrics {
  readonly #series = new Map<string, Series>();
  /** The series of a kind's requests by verb, subresource and scope: most requests are like one before. */
  readonly #ofKind = new WeakMap<Kind, Map<string, Series>>();
  readonly #inFlight = { mutating: 0, readOnly: 0 };

  /** A request has come; returns what is to be called when it is answered, or its long answer has begun. */
  begin(method: string): (info: RequestInfo | undefined, kinds: Kinds, code: number) => void {
    const kind = mutating.has(method) ? 'mutating' : 'readOnly';
    const began = performance.now();
    this.#inFlight[kind] += 1;
    return (info, kinds, code) => {
      this.#inFlight[kind] -= 1;
      const series = this.#seriesOf(info, kinds);
      series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
      if (longRunning.has(series.verb)) return;
      series.seconds ??= new Histogram(secondsBuckets);
      series.seconds.observe((performance.now() - began) / 1000);
    };
  }

  #seriesOf(info: RequestInfo | undefined, kinds: Kinds): Series {
    const { verb = '', target } = info ?? {};
    const kind = target && kinds.find(target.group, target.version, target.resource);
    const counted = countedAs(verb, target, kind);
    if (kind === undefined) return this.#labelled(counted);
    let known = this.#ofKind.get(kind);
    if (known === undefined) {
      known = new Map();
      this.#ofKind.set(kind, known);
    }
    const what = `${counted.verb} ${counted.subresource} ${scopeOf(counted.of)}`;
    let series = known.get(what);
    if (series === undefined) {
      series = this.#labelled(counted);
      known.set(what, series);
    }
    return series;
  }

  #labelled(counted: Counted): Series {
    const labels = labelsOf(counted);
    const known = this.#series.get(labels);
    if (known !== undefined) return known;
    const series = { verb: counted.verb, labels, codes: new Map(), seconds: undefined };
    this.#series.set(labels, series);
    return series;
  }

  /** What `/metrics` answers. */
  text(cache: WatchCache | undefined, watchers: Watchers, kinds: Kinds): string {
    return [...this.#families(watchers), ...cacheFamilies(cache, kinds), ...processFamilies()]
      .flatMap(([name, type, help, lines]) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...lines,
      ])
      .concat('')
      .join('\n');
  }

  #families(watchers: Watchers): Family[] {
    const all = [...this.#series.values()];
    const durations = (name: string) =>
      all.flatMap(({ labels, seconds }) => seconds?.lines(name, labels) ?? []);
    const total = 'apiserver_request_total';
    const duration = 'apiserver_request_duration_seconds';
    const sli = 'apiserver_request_sli_duration_seconds';
    const inFlight = 'apiserver_current_inflight_requests';
    const long = 'apiserver_longrunning_requests';
    return [
      [
        total,
        'counter',
        'Requests answered.',
        all.flatMap(({ labels, codes }) =>
          [...codes].map(
            ([code, count]) => `${total}{${labels},code="${code}",dry_run=""} ${count}`,
          ),
        ),
      ],
      [duration, 'histogram', 'Time to answer, watches and streams aside.', durations(duration)],
      [sli, 'histogram', 'The same: no time is spent in webhooks.', durations(sli)],
      [
        inFlight,
        'gauge',
        'Requests that are being answered.',
        Object.entries(this.#inFlight).map(
          ([kind, count]) => `${inFlight}{request_kind="${kind}"} ${count}`,
        ),
      ],
      [long, 'gauge', 'Open watches.', [`${long}{verb="WATCH"} ${watchers.size}`]],
      [
        'kubernetes_build_info',
        'gauge',
        'What this server is.',
        [`kubernetes_build_info{git_version="${gitVersion}",platform="linux/amd64"} 1`],
      ],
    ];
  }
}

function cacheFamilies(cache: WatchCache | undefined, kinds: Kinds): Family[] {
  if (cache === undefined) return [];
  const objects = 'apiserver_storage_objects';
  const stored = new Map(
    kinds
      .all()
      .filter((kind) => !kind.virtual)
      .map((kind) => {
        const name = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
        return [kind.storagePrefix, name] as const;
      }),
  );
  const lines = [...stored].map(
    ([prefix, name]) => `${objects}{resource="${name}"} ${cache.count(`${prefix}/`)}`,
  );
  return [
    [objects, 'gauge', 'Stored objects by kind.', lines],
    [
      'bayplan_cache_revision',
      'gauge',
      'The revision of the store that the watch cache holds.',
      [`bayplan_cache_revision ${cache.revision}`],
    ],
  ];
}

const startedSeconds = Math.round((Date.now() - performance.now()) / 1000);

function processFamilies(): Family[] {
  const { heapUsed, rss } = process.memoryUsage();
  const cpu = process.cpuUsage();
  const one = (name: string, type: string, help: string, value: number): Family => [
    name,
    type,
    help,
    [`${name} ${value}`],
  ];
  return [
    one('process_resident_memory_bytes', 'gauge', 'Resident memory.', rss),
    one('process_cpu_seconds_total', 'counter', 'CPU time.', (cpu.user + cpu.system) / 1e6),
    one('process_start_time_seconds', 'gauge', 'When it started.', startedSeconds),
    one('process_open_fds', 'gauge', 'Open files.', readdirSync('/proc/self/fd').length),
    one('nodejs_heap_used_bytes', 'gauge', 'The used part of the heap.', heapUsed),
  ];
}
