// A lasting stream of server-sent events: it is opened again when it breaks, and rests while nobody
// looks at the page, so that forgotten tabs take no place from others.

import { EventParser, type ServerEvent } from './event_parser';
import { ApiError, errorOf, noteServerTime } from './http';

export type ConnectionState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  // There is nothing more to tell for now.
  | { kind: 'over' }
  | { kind: 'lost'; why: string };

export interface StreamHandlers {
  onEvent(event: ServerEvent): void;
  onState(state: ConnectionState): void;
  // The stream cannot be had, e.g. NOT_FOUND. It is not tried again.
  onRefused(error: ApiError): void;
}

const firstPauseMs = 500;
const longestPauseMs = 8000;
// A run that is over may be opened anew.
const pauseWhenOverMs = 5000;
// The server writes at least a comment every 15 s.
const silenceMs = 40_000;

// Until `signal` aborts. An event called `gone` says that the stream is over.
export async function followEvents(
  path: string,
  handlers: StreamHandlers,
  signal: AbortSignal,
): Promise<void> {
  let pause = firstPauseMs;
  handlers.onState({ kind: 'connecting' });
  while (!signal.aborted) {
    await untilVisible(signal);
    try {
      const ended = await readOnce(path, handlers, signal, () => {
        pause = firstPauseMs;
      });
      if (ended) {
        handlers.onState({ kind: 'over' });
        await sleep(pauseWhenOverMs, signal);
        continue;
      }
      if (document.hidden) {
        continue;
      }
      handlers.onState({ kind: 'lost', why: 'the stream ended' });
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        handlers.onRefused(error);
        return;
      }
      handlers.onState({
        kind: 'lost',
        why: error instanceof ApiError ? error.message : 'lehrd does not answer',
      });
    }
    await sleep(pause * (0.75 + Math.random() / 2), signal);
    pause = Math.min(2 * pause, longestPauseMs);
  }
}

// One connection. True: it ended with the event `gone`.
async function readOnce(
  path: string,
  handlers: StreamHandlers,
  signal: AbortSignal,
  onOpen: () => void,
): Promise<boolean> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  const hide = () => document.hidden && abort();
  let watchdog = setTimeout(abort, silenceMs);
  signal.addEventListener('abort', abort);
  document.addEventListener('visibilitychange', hide);
  try {
    const response = await fetch(path, {
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      signal: stop.signal,
    });
    if (!response.ok || response.body === null) {
      throw await errorOf(response);
    }
    noteServerTime(response);
    onOpen();
    handlers.onState({ kind: 'live' });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return false;
      }
      clearTimeout(watchdog);
      watchdog = setTimeout(abort, silenceMs);
      for (const event of parser.push(value)) {
        handlers.onEvent(event);
        if (event.name === 'gone') {
          stop.abort();
          return true;
        }
      }
    }
  } catch (error) {
    if (document.hidden && !signal.aborted) {
      return false;
    }
    throw error;
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', abort);
    document.removeEventListener('visibilitychange', hide);
  }
}

function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener('visibilitychange', look);
        signal.removeEventListener('abort', look);
        resolve();
      }
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
