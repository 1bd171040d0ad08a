// One run, live.

import { followEvents } from '../api/event_stream';
import { ApiError, getJson, runPath } from '../api/http';
import type { GetHistoryResponse, GetRunResponse } from '../api/messages';
import { type App, showProblem, type View } from '../app';
import { el } from '../dom';
import { type Condition, conditionOf } from '../text/condition';
import type { RunState } from '../view_state';
import { RunPanel } from './run_panel';

export class RunView implements View<RunState> {
  readonly title: string;
  private readonly stop = new AbortController();
  // From the first answer on.
  private panel: RunPanel | null = null;
  private condition: Condition | null = null;

  constructor(
    private readonly app: App,
    private readonly root: HTMLElement,
    private state: RunState,
  ) {
    this.title = state.runId;
    root.append(el('p', { class: 'empty' }, 'Loading…'));
    void followEvents(
      runPath(state.runId, '/events'),
      {
        onEvent: ({ name, data }) => this.take(name, data),
        onState: (connection) => {
          app.showConnection(connection);
          // All places for live viewers may be taken: then it is as it was when one last asked.
          if (connection.kind === 'lost') {
            void this.fetchRun();
          }
        },
        onRefused: (error) => this.showMissing(error),
      },
      this.stop.signal,
    );
  }

  update(state: RunState): void {
    this.state = state;
    this.panel?.update(state);
  }

  dispose(): void {
    this.stop.abort();
    this.panel?.dispose();
  }

  private take(name: string, data: string): void {
    if (name === 'run') {
      this.show(JSON.parse(data) as GetRunResponse);
    } else if (name === 'decisions') {
      const { entries } = JSON.parse(data) as GetHistoryResponse;
      this.panel?.take(entries.map((entry) => entry.decision));
    }
  }

  private async fetchRun(): Promise<void> {
    try {
      this.show(await getJson<GetRunResponse>(runPath(this.state.runId), this.stop.signal));
    } catch (error) {
      // Where nothing answers, the connection's state says so.
      if (error instanceof ApiError && error.status === 404) {
        this.showMissing(error);
      }
    }
  }

  private show(response: GetRunResponse): void {
    const condition = conditionOf(response.overview);
    if (this.condition !== null && this.condition !== condition) {
      this.app.announce(`${this.state.runId} is ${condition}`);
    }
    this.condition = condition;
    if (this.panel) {
      this.panel.show(response);
    } else {
      this.panel = new RunPanel(this.app, this.root, this.state, response);
    }
  }

  private showMissing(error: ApiError): void {
    this.dispose();
    this.panel = null;
    this.app.clearConnection();
    const title = error.status === 404 ? 'There is no such run' : 'The run cannot be shown';
    showProblem(this.root, title, error.message);
  }
}
