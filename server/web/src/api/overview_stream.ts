// All runs, live.

import { type ConnectionState, followEvents } from './event_stream';
import { ApiError, getJson } from './http';
import type { ListOverviewResponse } from './messages';

// `take` gets the whole list first (isWhole) and again after a break, and in between what has changed.
// Where the stream cannot be had, e.g. because too many look, the list comes with each attempt.
export function followOverview(
  take: (overview: ListOverviewResponse, isWhole: boolean) => void,
  onState: (state: ConnectionState) => void,
  signal: AbortSignal,
): void {
  void followEvents(
    '/api/v1/events',
    {
      onEvent: ({ name, data }) => {
        if (name === 'overview' || name === 'changed') {
          take(JSON.parse(data) as ListOverviewResponse, name === 'overview');
        }
      },
      onState: (state) => {
        onState(state);
        if (state.kind === 'lost') {
          void fetchOnce(take, signal);
        }
      },
      onRefused: (error) => onState({ kind: 'lost', why: error.message }),
    },
    signal,
  );
}

async function fetchOnce(
  take: (overview: ListOverviewResponse, isWhole: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    take(await getJson<ListOverviewResponse>('/api/v1/overview?page_size=1000', signal), true);
  } catch (error) {
    // Where nothing answers, the connection's state says so.
    if (!(error instanceof ApiError || signal.aborted)) {
      throw error;
    }
  }
}
