/** Counters in Prometheus' text format. */
import type { WatchCache } from '../storage/watch-cache.ts';
import type { Watchers } from '../verbs/watchers.ts';

export interface RequestLabels {
  readonly verb: string;
  /** `''` for URLs that name no resource. */
  readonly resource: string;
  readonly code: number;
}

export class Metrics {
  readonly #requests = new Map<string, number>();

  countRequest({ verb, resource, code }: RequestLabels): void {
    const labels = `verb="${verb.toUpperCase()}",resource="${resource}",code="${code}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  /** What `/metrics` answers. */
  text(cache: WatchCache | undefined, watchers: Watchers): string {
    const requests = [...this.#requests].map(
      ([labels, count]) => `apiserver_request_total{${labels}} ${count}`,
    );
    const { heapUsed, rss } = process.memoryUsage();
    const cpu = process.cpuUsage();
    return [
      '# HELP apiserver_request_total Requests answered, by verb, resource and code.',
      '# TYPE apiserver_request_total counter',
      ...requests,
      '# HELP bayplan_cache_revision The revision of the store that the watch cache holds.',
      '# TYPE bayplan_cache_revision gauge',
      `bayplan_cache_revision ${cache?.revision ?? 0}`,
      '# HELP apiserver_longrunning_requests Open watches.',
      '# TYPE apiserver_longrunning_requests gauge',
      `apiserver_longrunning_requests{verb="WATCH"} ${watchers.size}`,
      '# HELP process_resident_memory_bytes Resident memory.',
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${rss}`,
      '# HELP nodejs_heap_used_bytes The used part of the JavaScript heap.',
      '# TYPE nodejs_heap_used_bytes gauge',
      `nodejs_heap_used_bytes ${heapUsed}`,
      '# HELP process_cpu_seconds_total Processor time, user and system.',
      '# TYPE process_cpu_seconds_total counter',
      `process_cpu_seconds_total ${(cpu.user + cpu.system) / 1e6}`,
      '',
    ].join('\n');
  }
}
