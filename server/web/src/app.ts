// The frame around the views: header, theme, connection, news, and the way from a link to its view.

import type { ConnectionState } from './api/event_stream';
import { getJson } from './api/http';
import type { GetAboutResponse } from './api/messages';
import { CompareView } from './compare/compare_view';
import { el, setAttribute, setText } from './dom';
import { FleetView, fleetHome } from './fleet/fleet_view';
import { Operator } from './operator';
import { RunView } from './run/run_view';
import { makeThemeSwitch } from './theme';
import { formatFragment, parseFragment, type ViewState } from './view_state';

// What the frame shows one of.
export interface View<State extends ViewState> {
  readonly title: string;
  // The same view of the same thing, seen otherwise.
  update(state: State): void;
  dispose(): void;
}

export class App {
  readonly operator: Operator;
  private readonly main = el('main', { id: 'main', tabindex: -1 });
  private readonly connection = el('span', { class: 'connection', role: 'status' });
  private readonly news = el('div', { class: 'visually-hidden', role: 'status', id: 'news' });
  private readonly banner = el('div', { class: 'banner', role: 'alert', hidden: true });
  private readonly version = el('span', { class: 'note' });
  private view: View<ViewState> | null = null;
  private shown: ViewState | null = null;

  constructor() {
    this.operator = new Operator();
    this.banner.append('All acting is stopped: every policy only observes. ');
    document.body.replaceChildren(
      el(
        'a',
        {
          class: 'skip',
          href: '#main',
          onclick: (event) => {
            event.preventDefault();
            this.main.focus();
          },
        },
        'Skip to the content',
      ),
      el(
        'header',
        {},
        el('a', { class: 'brand', href: fleetHome }, 'Lehr'),
        el(
          'nav',
          { 'aria-label': 'Main' },
          el('a', { href: fleetHome }, 'Runs'),
          el('a', { href: '/metrics' }, 'Metrics'),
        ),
        el('span', { class: 'space' }),
        this.connection,
        this.version,
        makeThemeSwitch(),
      ),
      this.banner,
      this.main,
      this.news,
    );
    window.addEventListener('hashchange', () => this.open());
    void this.learnAbout();
    this.open();
  }

  // Shows the view otherwise; the link follows, and the back button goes to where one came from.
  replace(state: ViewState): void {
    history.replaceState(null, '', formatFragment(state));
    this.open();
  }

  announce(text: string): void {
    this.news.textContent = text;
  }

  showConnection(state: ConnectionState): void {
    const texts = {
      connecting: 'connecting…',
      live: 'live',
      over: '',
      lost: 'connection lost, trying again',
    };
    setAttribute(this.connection, 'data-state', state.kind);
    setText(this.connection, texts[state.kind]);
    this.connection.title = state.kind === 'lost' ? state.why : '';
  }

  clearConnection(): void {
    this.connection.removeAttribute('data-state');
    setText(this.connection, '');
  }

  showActingStopped(stopped: boolean): void {
    this.banner.hidden = !stopped;
  }

  private async learnAbout(): Promise<void> {
    try {
      const about = await getJson<GetAboutResponse>('/api/v1/about');
      setText(this.version, about.version);
      this.operator.allow(about.writable);
    } catch {
      // The connection's state says what is wrong.
    }
  }

  private open(): void {
    const state = parseFragment(location.hash);
    if (this.view && this.shown && isSameView(this.shown, state)) {
      this.shown = state;
      this.view.update(state);
      return;
    }
    const isFirst = this.shown === null;
    this.view?.dispose();
    this.shown = state;
    this.main.replaceChildren();
    this.clearConnection();
    this.showActingStopped(false);
    this.view = this.make(state);
    document.title = `${this.view.title} · Lehr`;
    if (!isFirst) {
      window.scrollTo(0, 0);
      this.main.focus({ preventScroll: true });
    }
  }

  private make(state: ViewState): View<ViewState> {
    switch (state.view) {
      case 'fleet':
        return new FleetView(this, this.main, state) as View<ViewState>;
      case 'run':
        return new RunView(this, this.main, state) as View<ViewState>;
      case 'compare':
        return new CompareView(this, this.main, state) as View<ViewState>;
      case 'unknown':
        showProblem(this.main, 'There is no such page', `Nothing is at ${state.link}.`);
        return { title: 'No such page', update: () => {}, dispose: () => {} };
    }
  }
}

// What is wrong, and the way home.
export function showProblem(root: HTMLElement, title: string, text: string): void {
  root.replaceChildren(
    el(
      'section',
      { class: 'problem', role: 'alert' },
      el('h1', {}, title),
      el('p', {}, text),
      el('p', {}, el('a', { href: fleetHome }, 'To all runs')),
    ),
  );
}

function isSameView(a: ViewState, b: ViewState): boolean {
  if (a.view === 'run' && b.view === 'run') {
    return a.runId === b.runId;
  }
  if (a.view === 'compare' && b.view === 'compare') {
    return a.runs.join() === b.runs.join();
  }
  return a.view === 'fleet' && b.view === 'fleet';
}
