// Keeps the series in sight up to date: fetched for the range, then grown by each decision, and fetched
// again where decisions were missed or the buckets have become too many.

import { ApiError, getJson, runPath, withQuery } from '../api/http';
import type { Decision, GetSeriesResponse } from '../api/messages';
import { Throttle } from '../throttle';
import type { RunState } from '../view_state';
import { addDecision, decodeSeries, type Series } from './series';

const refetchPauseMs = 400;
const mostPoints = 1000;
// The newest decisions, which a fetched series may lack because the journal has yet to take them.
const mostRecent = 256;

export class SeriesFeed {
  private readonly stop = new AbortController();
  private readonly refetch = new Throttle(() => this.fetch(), refetchPauseMs);
  private series: Series | null = null;
  private recent: Decision[] = [];

  constructor(
    private state: RunState,
    // How many buckets the charts can show.
    private readonly points: () => number,
    private readonly onSeries: (series: Series) => void,
  ) {
    this.refetch.request();
  }

  setState(state: RunState): void {
    this.state = state;
    this.refetch.request();
  }

  take(decisions: Decision[]): void {
    this.recent = [...this.recent, ...decisions].slice(-mostRecent);
    if (this.series === null || this.state.to !== null) {
      return;
    }
    this.grow(decisions);
    this.onSeries(this.series);
  }

  dispose(): void {
    this.stop.abort();
    this.refetch.stop();
  }

  private grow(decisions: Decision[]): void {
    const series = this.series;
    if (series === null) {
      return;
    }
    let missed = false;
    for (const decision of decisions) {
      missed = addDecision(series, decision) === 'gap' || missed;
    }
    if (missed || series.lastStep.length > 2 * this.points()) {
      this.refetch.request();
    }
  }

  private async fetch(): Promise<void> {
    const { runId, generation, from, to } = this.state;
    const path = withQuery(runPath(runId, '/series'), {
      generation: generation ?? undefined,
      from_step: from ?? undefined,
      to_step: to ?? undefined,
      points: Math.min(mostPoints, this.points()),
    });
    try {
      const fetched = decodeSeries(await getJson<GetSeriesResponse>(path, this.stop.signal));
      this.series = fetched;
      if (to === null) {
        for (const decision of this.recent) {
          addDecision(fetched, decision);
        }
      }
      this.onSeries(fetched);
    } catch (error) {
      // The next event asks again.
      if (!(error instanceof ApiError || this.stop.signal.aborted)) {
        throw error;
      }
    }
  }
}
